import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeImatrix } from "../gguf/quantise/imatrix.ts";
import { refusal } from "../testing/refusal.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { checkRequest } from "./check-request.ts";
import { runConvert } from "./convert-gguf.ts";
import type { ExportRequest } from "./export-request.ts";
import { runExport } from "./run-export.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const at = (...parts: string[]) => join(scratch.path, ...parts);
mkdirSync(at("folder"));
writeFileSync(at("file"), "GGML");
writeFileSync(at("taken.imatrix.gguf"), "");

/** An export of a model that is not there, which opening it would say. */
const complete = {
  target: { path: at("no-model") },
  out: at("out.gguf"),
  kind: "merged",
  format: "gguf",
  dtype: "q4_k_m",
} as const;
const asked = (request: Partial<ExportRequest>) => runExport({ ...complete, ...request });

test("a request without a fault comes to the model", async () => {
  await expect(asked({})).rejects.toThrow(refusal("usage", { where: at("no-model") }));
});

test.each([
  [
    "an importance matrix that is a folder",
    { imatrix: at("folder") },
    "format",
    {
      where: at("folder"),
      expected: "an importance matrix",
      found: "a folder",
      fix: "`--imatrix` without a file",
    },
  ],
  ["one that is another file", { imatrix: at("file") }, "format", { where: at("file"), found: "GGML" }],
  [
    "one that is nowhere",
    { imatrix: at("none.gguf") },
    "usage",
    { where: at("none.gguf"), found: "nothing" },
  ],
  [
    "one whose own file is taken",
    { out: at("taken.gguf"), imatrix: true },
    "usage",
    { where: at("taken.imatrix.gguf") },
  ],
  [
    "a place below a file",
    { out: at("file", "out.gguf") },
    "run",
    { where: at("file", "out.gguf"), found: /^ENOTDIR/ },
  ],
  ["a place that is taken", { out: at("folder") }, "usage", { where: at("folder") }],
] as const)(
  "%s is refused before the model is opened, and nothing is left",
  async (_, request, code, parts) => {
    const before = readdirSync(scratch.path);
    await expect(asked(request)).rejects.toThrow(refusal(code, parts));
    expect(readdirSync(scratch.path)).toEqual(before);
  },
);

test("so is a place that the system refuses", async () => {
  await expect(asked({ out: "/proc/out.gguf" })).rejects.toThrow(
    refusal("run", { where: "/proc/out.gguf", fix: "choose another place" }),
  );
});

test("the importance matrix is read once, with the check", () => {
  const path = at("once.imatrix.gguf");
  const sums = new Map([["blk.0.ffn_up.weight", Float64Array.of(4, 9)]]);
  writeImatrix(path, { dataset: "rows", sums, tokens: 2 });
  const request = { ...complete, imatrix: path };
  const { imatrix } = checkRequest(request);
  rmSync(path);
  const means = new Map([["blk.0.ffn_up.weight", Float32Array.of(2, 4.5)]]);
  expect(imatrix).toEqual({
    path,
    read: { file: "once.imatrix.gguf", dataset: "rows", chunks: 1, means },
  });
});

test("an export that was aborted while its model was loaded writes nothing", async () => {
  writeTinyLlama(at("model"));
  const stop = new AbortController();
  const before = readdirSync(scratch.path);
  const exporting = runExport(
    { target: { path: at("model") }, out: at("aborted"), kind: "merged", format: "folder" },
    { signal: stop.signal },
  );
  stop.abort(new Error("not any more"));
  await expect(exporting).rejects.toThrow("not any more");
  expect(readdirSync(scratch.path)).toEqual(before);
});

test("a conversion is refused before the file is read", async () => {
  const convert = (out: string) => runConvert({ path: at("file"), out });
  await expect(convert(at("folder", "model"))).rejects.toThrow(refusal("format", { found: "GGML" }));
  await expect(convert(at("file", "model"))).rejects.toThrow(refusal("run", { found: /^ENOTDIR/ }));
  await expect(runConvert({ path: at("none.gguf"), out: at("model") })).rejects.toThrow(
    refusal("usage", { where: at("none.gguf"), found: "nothing" }),
  );
  await expect(convert("")).rejects.toThrow(refusal("usage", { found: '""' }));
});
