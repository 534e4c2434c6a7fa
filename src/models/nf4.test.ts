import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type CausalLM, Nf4Weight, namedWeights, quantisedWeights } from "../nn/index.ts";
import { SafetensorsFile, writeSafetensors } from "../safetensors/index.ts";
import { firstLogits } from "../testing/first-logits.ts";
import { writeTinyBert } from "../testing/tiny-bert.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { clone, dtypeWidth, liveTensorCount, scope, type Tensor } from "../torch/index.ts";
import { hashModel } from "../train/model-hash.ts";
import { loadClassifier, loadModel, saveModel } from "./index.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const folder = join(scratch.path, "llama");
writeTinyLlama(folder);
const nf4 = { quantization: "nf4" } as const;

test("every linear layer within blocks is quantised, nothing else, and freed with the model", async () => {
  const live = liveTensorCount();
  const [dense, model] = [await loadModel(folder), await loadModel(folder, nf4)];
  const quantised = new Set(quantisedWeights(model).map(([name]) => name));
  expect([...quantised]).toEqual(
    [...dense.namedParameters()].map(([name]) => name).filter((name) => name.endsWith("_proj.weight")),
  );
  const shapes = (one: CausalLM) =>
    [...namedWeights(one)].map(([name, { shape, dtype }]) => [name, [...shape], dtype]);
  expect(shapes(model).toSorted()).toEqual(shapes(dense).toSorted());
  const bits = quantisedWeights(model).map(([, weight]) =>
    weight instanceof Nf4Weight
      ? (8 * (weight.packed.numel + weight.absmax.numel)) / weight.numel
      : expect.fail(weight.format),
  );
  for (const each of bits) expect(each).toBeCloseTo(4.125, 2);
  const bytes = (one: CausalLM) =>
    [...one.namedParameters()].reduce((sum, [, { numel, dtype }]) => sum + numel * dtypeWidth(dtype), 0);
  expect(bytes(model)).toBeLessThan(bytes(dense));
  expect(hashModel(model)).not.toBe(hashModel(dense));
  model.dispose();
  dense.dispose();
  expect(liveTensorCount()).toBe(live);
});

test("saved, it is an ordinary folder of the same numbers, which quantises to the same codes", async () => {
  using model = await loadModel(folder, nf4);
  const out = join(scratch.path, "saved");
  saveModel(model, folder, out);
  using dense = await loadModel(out);
  expect(quantisedWeights(dense)).toEqual([]);
  expect(firstLogits(dense)).toEqual(firstLogits(model));
});

test("of an encoder the blocks alone", async () => {
  const encoder = join(scratch.path, "bert");
  writeTinyBert(encoder);
  using model = await loadClassifier(encoder, nf4);
  const names = quantisedWeights(model).map(([name]) => name);
  expect(names).toHaveLength(2 * 6);
  expect(names.every((name) => name.startsWith("bert.encoder.layer."))).toBe(true);
});

test("what is wrong with a folder is told as of any model, and nothing is left", async () => {
  const broken = join(scratch.path, "broken");
  writeTinyLlama(broken);
  const file = SafetensorsFile.open(join(folder, "model.safetensors"));
  const last = "model.layers.1.mlp.down_proj.weight";
  const kept = scope(() =>
    [...file.entries.keys()]
      .filter((name) => name !== last)
      .map((name): [string, Tensor] => [name, clone(file.tensor(name)).keep()]),
  );
  file.dispose();
  writeSafetensors(join(broken, "model.safetensors"), kept);
  for (const [, tensor] of kept) tensor.dispose();
  const live = liveTensorCount();
  await expect(loadModel(broken, nf4)).rejects.toThrow(`missing ${last}`);
  expect(liveTensorCount()).toBe(live);
});
