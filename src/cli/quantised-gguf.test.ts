import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readGgufHeader } from "../gguf/header.ts";
import { readImatrix } from "../gguf/quantise/imatrix.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { trainTiny, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { liveTensorCount } from "../torch/index.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { scaloraJson as json, runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
let run = "";

beforeAll(async () => {
  writeTinyProject(scratch.path, { hidden_size: 256, intermediate_size: 96 });
  run = await trainTiny(scratch.path, "scalora");
});
afterAll(scratch.remove);

const gguf = (out: string, dtype: string, ...options: string[]) => [
  "export",
  run,
  ...["--out", out, "--format", "gguf", "--dtype", dtype],
  ...options,
];

/** Type of file, and of three tensors: the output, one with rows of 256, and one with rows of 96. */
const contents = (path: string) => {
  const { metadata, tensors } = readGgufHeader(path);
  const types = ["output", "blk.0.attn_q", "blk.0.ffn_down"].map(
    (name) => tensors.get(`${name}.weight`)?.type.name,
  );
  return [metadata.number("general.file_type"), ...types];
};

describe("a trained model in each type of file, by llama.cpp's names", () => {
  test.each([
    ["q4_0", 2, ["Q6_K", "Q4_0", "Q4_0"], 0.2],
    ["Q4_K_M", 15, ["Q6_K", "Q4_K", "Q5_0"], 0.15],
    ["q5_k_m", 17, ["Q6_K", "Q5_K", "Q5_1"], 0.1],
    ["Q6_K", 18, ["Q6_K", "Q6_K", "Q8_0"], 0.05],
    ["Q8_0", 7, ["Q8_0", "Q8_0", "Q8_0"], 0.02],
    ["F16", 1, ["F16", "F16", "F16"], 1e-3],
    ["bf16", 32, ["BF16", "BF16", "BF16"], 1e-2],
  ])("%s", async (dtype, fileType, types, mostDrift) => {
    const out = at(`${dtype}.gguf`);
    const live = liveTensorCount();
    const result = await json(...gguf(out, dtype));
    expect(contents(out)).toEqual([fileType, ...types]);
    expect(result.bytes).toBe(statSync(out).size);
    expect(result.drift).toBeGreaterThan(0);
    expect(result.drift).toBeLessThan(mostDrift);
    expect(result.tensorTypes.F32).toBe(5);
    expect(Math.abs(result.heldOutLoss.exported - result.heldOutLoss.trained)).toBeLessThan(0.2);
    const { loss } = await json("eval", out, "--data", at("test.jsonl"));
    expect(Number.isFinite(loss)).toBe(true);
    expect(liveTensorCount()).toBe(live);
  });
});

test("what falls back is told, and the perplexity stands beside the size", async () => {
  const { stdout } = await runScalora(...gguf(at("told.gguf"), "q4_k_m"));
  expect(stdout).toMatch(/instead +Q8_0 in place of Q6_K in 1 tensor with rows of 96, as llama\.cpp does/);
  expect(stdout).toMatch(/perplexity +\d+\.\d\d as written, \d+\.\d\d as trained \([+−]\d+\.\d %\)/);
});

test("an importance matrix of the training rows is written beside the file, and used again gives the same file", async () => {
  mkdirSync(at("again"));
  const [first, again, without] = [at("model.gguf"), at("again", "model.gguf"), at("without.gguf")];
  const result = await json(...gguf(first, "q4_k_m", "--imatrix"));
  expect(result.imatrix.file).toBe(at("model.imatrix.gguf"));
  const { means, chunks } = readImatrix(result.imatrix.file);
  expect([...means.keys()]).toHaveLength(14);
  expect(means.get("blk.1.ffn_down.weight")).toHaveLength(96);
  expect(chunks).toBe(Math.ceil(result.imatrix.tokens / 512));
  await json(...gguf(again, "q4_k_m", "--imatrix", result.imatrix.file));
  expect(readFileSync(again).equals(readFileSync(first))).toBe(true);
  await json(...gguf(without, "q4_k_m"));
  expect(readGgufHeader(first).metadata.string("quantize.imatrix.file")).toBe("model.imatrix.gguf");
  const tail = (path: string) => readFileSync(path).subarray(-1000);
  expect(tail(without).equals(tail(first))).toBe(false);
  writeFileSync(at("taken.imatrix.gguf"), "");
  const taken = await runScalora(...gguf(at("taken.gguf"), "q6_k", "--imatrix"));
  expect(printedFailure(taken)).toMatchObject({ code: 2, where: at("taken.imatrix.gguf") });
});

test.each([
  [["--imatrix"], "f16", "a quantised --dtype"],
  [["--imatrix"], "q4_k_x", "Allowed choices are f32"],
  [["--imatrix"], "q8_0", "q8_0 does not use an importance matrix"],
])("refused: %j with %s", async (options, dtype, says) => {
  const { code, stderr } = await runScalora(...gguf(at("refused.gguf"), dtype, ...options));
  expect(code).toBe(2);
  expect(stderr).toContain(says);
});

test("a model has no training rows, and a folder no quantised weights", async () => {
  const model = [
    "export",
    at("model"),
    "--out",
    at("m.gguf"),
    "--format",
    "gguf",
    "--dtype",
    "q4_0",
    "--imatrix",
  ];
  expect(printedFailure(await runScalora(...model))).toMatchObject({
    code: 2,
    found: "a model folder has no rows",
  });
  const folder = ["export", at("model"), "--out", at("m"), "--dtype", "q4_k_m"];
  expect((await runScalora(...folder)).stderr).toContain("--dtype q4_k_m needs --format gguf");
  writeFileSync(at("not.gguf"), "GGML");
  const broken = gguf(at("broken.gguf"), "q4_0", "--imatrix", at("not.gguf"));
  expect(printedFailure(await runScalora(...broken))).toMatchObject({ code: 2, where: at("not.gguf") });
});
