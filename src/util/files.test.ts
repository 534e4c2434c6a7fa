import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { makeFolders } from "./files.ts";

test("folders are made down to the last, and one that is there already is fine", () => {
  const { path, remove } = temporaryFolder();
  makeFolders(join(path, "a/b/c"));
  makeFolders(join(path, "a/b"));
  expect(existsSync(join(path, "a/b/c"))).toBe(true);
  remove();
});

test.skipIf(process.platform !== "linux")(
  "a folder that the system refuses is an error, not an endless loop",
  () => {
    expect(() => makeFolders("/proc/nowhere/runs")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  },
);
