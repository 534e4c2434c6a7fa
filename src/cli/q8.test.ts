import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ggufWeights } from "../gguf/index.ts";
import { loadModel } from "../models/index.ts";
import { quantisedWeights } from "../nn/index.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { trainTiny, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { liveTensorCount, scope } from "../torch/index.ts";
import { scaloraJson as json, runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
let run = "";

beforeAll(async () => {
  writeTinyProject(scratch.path);
  run = await trainTiny(scratch.path, "lora");
  await json("export", at("model"), "--out", at("model.gguf"), "--format", "gguf", "--dtype", "q8_0");
  await json("export", run, "--out", at("adapter"), "--as", "adapter");
});
afterAll(scratch.remove);

const q8 = ["--quantization", "q8_0"];
const loss = async (...args: string[]) => (await json("eval", ...args, "--data", at("test.jsonl"))).loss;
const text = async (...args: string[]) => (await json("generate", ...args, "--max-tokens", "8")).text;

test("a file's own blocks are kept bit for bit, in Hugging Face's order of rows", async () => {
  using model = await loadModel(at("model.gguf"), { quantization: "q8_0" });
  using weights = ggufWeights(at("model.gguf"));
  const kept = quantisedWeights(model);
  expect(kept.map(([name]) => name)).toContain("model.layers.1.self_attn.k_proj.weight");
  for (const [name, weight] of kept)
    scope(() => expect([name, weight.dense().toFloats()]).toEqual([name, weights.tensor(name).toFloats()]));
});

test("eval and generate in Q8_0, from a folder and from a file, near float32", async () => {
  const live = liveTensorCount();
  const exact = await loss(at("model"));
  expect(await loss(at("model"), ...q8)).toBeCloseTo(exact, 1);
  expect(await loss(at("model.gguf"), ...q8)).toBeCloseTo(await loss(at("model"), ...q8), 2);
  expect(await text(at("model.gguf"), "abc=", ...q8)).toBe(await text(at("model"), "abc=", ...q8));
  expect(liveTensorCount()).toBe(live);
});

test("an adapter computes beside it", async () => {
  const trained = await loss(run);
  expect(await loss(at("model"), "--adapter", at("adapter"), ...q8)).toBeCloseTo(trained, 1);
  expect(Math.abs((await loss(at("model"), ...q8)) - trained)).toBeGreaterThan(0.1);
});

test("training on it is refused, and so is a run in it", async () => {
  const recipe = ["train", join(run, "config.yaml"), "--set", "model.quantization=q8_0"];
  const refused = await runScalora(...recipe);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("model.quantization");
  expect(refused.stderr).toContain("none or nf4");
  expect(await runScalora("eval", run, ...q8)).toMatchObject({ code: 2 });
});
