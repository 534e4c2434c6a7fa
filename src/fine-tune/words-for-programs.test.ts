import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkRequest } from "../export/check-request.ts";
import { runExport } from "../export/run-export.ts";
import { runEvaluation } from "../inference/evaluate.ts";
import { lockNewRun, notWritable } from "../run/lock-run.ts";
import { packageRoot } from "../setup/paths.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { ScaloraError } from "../util/errors.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const at = (name: string) => join(scratch.path, name);
mkdirSync(at("run"));
writeFileSync(at("run/config.yaml"), "");
const target = { path: join(packageRoot, "assets/tiny") };
const hooks = { signal: new AbortController().signal, onProgress: () => {} };
const request = { target, out: at("out.gguf"), kind: "merged", format: "gguf", dtype: "q4_k_m" } as const;

/** A fix names what a program gives; the flag of the command line stands beside it. */
test.each([
  ["a run that is there", async () => lockNewRun(at("run")), /run\.name \(--set .* fineTune\(\{ resume \}\)/],
  [
    "a run that cannot be written",
    async () => {
      throw notWritable(at("run"), new Error("full"));
    },
    /fineTune\(\{ resume \}\)/,
  ],
  [
    "a new run that cannot be written",
    async () => {
      throw notWritable(at("new"), new Error("full"));
    },
    /run\.folder \(--set/,
  ],
  ["no rows", () => runEvaluation({ target, data: [] }, hooks), /in a program rows too/],
  ["a matrix", async () => checkRequest({ ...request, imatrix: at("no") }), /imatrix: true \(`--imatrix`/],
  [
    "no adapter",
    () => runExport({ ...request, dtype: undefined, kind: "adapter", format: "folder" }),
    /an adapter \(--adapter\)/,
  ],
])("%s: what to do is said for programs too", async (_, work, fix) => {
  const error = await work().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ScaloraError);
  expect(error).toMatchObject({ fix: expect.stringMatching(fix) });
});

test("a file of predictions that is of no use is named by the option", async () => {
  writeFileSync(at("notes.txt"), "mine\n");
  const data = [join(packageRoot, "examples/data/train.jsonl")];
  const evaluation = runEvaluation({ target, data, predictions: at("notes.txt") }, hooks);
  await expect(evaluation).rejects.toThrow(refusal("usage", { fix: "predictions (--predictions)" }));
});
