import { readdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { outputPath, requireWritable } from "./output-path.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const at = (...parts: string[]) => join(scratch.path, ...parts);

test("a place to write to is a path; none is no place", () => {
  expect(outputPath("out/model.gguf")).toBe(resolve("out/model.gguf"));
  expect(outputPath("~/model")).toBe(join(homedir(), "model"));
  expect(() => outputPath("")).toThrow(refusal("usage", { found: '""' }));
  expect(() => Reflect.apply(outputPath, undefined, [])).toThrow(refusal("usage", { found: "undefined" }));
});

test("a place is tried without a trace", () => {
  requireWritable(at("a", "b", "model"));
  expect(readdirSync(scratch.path)).toEqual([]);
});

test("a place below a file, and one that the system refuses, are refused with a cure", () => {
  writeFileSync(at("file"), "");
  const below = at("file", "folder", "model");
  expect(() => requireWritable(below)).toThrow(
    refusal("run", { where: below, found: /^ENOTDIR/, fix: "no folder" }),
  );
  const tooLong = at("n".repeat(300), "model");
  expect(() => requireWritable(tooLong)).toThrow(
    refusal("run", { found: /^ENAMETOOLONG/, fix: "a shorter name" }),
  );
});

test("a system's folder that only looks writable is refused", () => {
  expect(() => requireWritable("/proc/model")).toThrow(
    refusal("run", { where: "/proc/model", fix: "choose another place" }),
  );
});
