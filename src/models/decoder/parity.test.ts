import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tokenStream } from "../../nn/index.ts";
import { SafetensorsFile, writeSafetensors } from "../../safetensors/index.ts";
import "../../testing/close-to.ts";
import {
  expectCachedParity,
  expectedValue,
  expectParity,
  goldenCases,
  readGolden,
  runGolden,
} from "../../testing/golden-models.ts";
import { tolerances } from "../../testing/tolerances.ts";
import { liveTensorCount, noGrad, scope, type Tensor } from "../../torch/index.ts";
import { loadModel, saveModel } from "../index.ts";

const scratch = mkdtempSync(join(tmpdir(), "scalora-decoders-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const families = ["mistral", "qwen2", "qwen3", "gemma2", "gemma3_text", "gemma3"];
const cases = families.flatMap((family) => goldenCases(family).map((name) => [family, name] as const));

test.each(cases)("%s, %s: logits, loss and all gradients equal transformers'", async (family, name) => {
  const sample = readGolden(scratch, family, name);
  using model = await loadModel(sample.folder);
  expectParity(model, sample);
});

test("a Gemma 3 with modules for images loads by both layouts of its files, and says what is left out", async () => {
  const sample = readGolden(scratch, "gemma3", "saved");
  {
    using file = SafetensorsFile.open(join(sample.folder, "model.safetensors"));
    const renamed = [...file.header.entries.keys()].map((name): [string, Tensor] => [
      name
        .replace(/^language_model\.model\./, "model.language_model.")
        .replace(/^(vision|multi)/, "model.$1"),
      file.tensor(name),
    ]);
    expect(renamed.map(([name]) => name)).toContain("model.vision_tower.head.layernorm.bias");
    writeSafetensors(join(sample.folder, "renamed.safetensors"), renamed);
    for (const [, tensor] of renamed) tensor.dispose();
  }
  renameSync(join(sample.folder, "renamed.safetensors"), join(sample.folder, "model.safetensors"));
  using model = await loadModel(sample.folder);
  expectParity(model, sample);
  expect(model.info.leftOut).toContain("vision_tower");
});

test("every golden case of every family is found", () => {
  const count = (family: string) => goldenCases(family).length;
  expect(families.map(count)).toEqual([5, 5, 4, 5, 4, 1]);
});

// A dynamic rope table depends on the length: what a cache holds was rotated by those of shorter sequences.
const cacheable = cases.filter(([, name]) => name !== "dynamic");

test.each(cacheable)("%s, %s: a cache fed in pieces gives the logits of the whole", async (family, name) => {
  const sample = readGolden(scratch, family, name);
  using model = await loadModel(sample.folder);
  expectCachedParity(model, sample, [3, 1, 1, 2]);
});

test.each([
  ["mistral", "saved"],
  ["gemma2", "saved"],
  ["gemma3_text", "old-layout"],
])("%s, %s: a batch is the sum of its sequences", async (family, name) => {
  const { folder, tokens, offsets } = readGolden(scratch, family, name);
  using model = await loadModel(folder);
  const logits = (ids: number[], starts?: number[]) =>
    noGrad(() =>
      scope(() => [
        ...model.lm_head.forward(model.hiddenStates(tokenStream(ids, starts, { device: "cpu" }))).toFloats(),
      ]),
    );
  const alone = offsets.slice(1).flatMap((end, i) => logits(tokens.slice(offsets[i], end)));
  expect(logits(tokens, offsets)).toBeCloseToAll(alone, tolerances.cachedLogits);
});

test.each(cases)("%s, %s: a saved folder is the same model", async (family, name) => {
  const sample = readGolden(scratch, family, name);
  const copy = join(sample.folder, "copy");
  using model = await loadModel(sample.folder);
  saveModel(model, sample.folder, copy);
  using again = await loadModel(copy);
  expectParity(again, sample);
  const read = (folder: string) => JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  const original = read(sample.folder);
  // What is saved of a model that reads images is its text part.
  const text = { ...original.text_config, architectures: ["Gemma3ForCausalLM"] };
  const { tie_word_embeddings: tied, ...config } = family === "gemma3" ? text : original;
  const { transformers_version: version, ...saved } = read(copy);
  expect(saved).toEqual({
    ...config,
    transformers_version: undefined,
    tie_word_embeddings: model.info.tiedEmbeddings,
  });
  expect(version).toBe(config.transformers_version ?? (family === "mistral" ? undefined : "5.17.0"));
  expect(tied ?? model.info.tiedEmbeddings).toBe(model.info.tiedEmbeddings);
});

test.each([
  ["mistral", "saved"],
  ["qwen3", "window"],
  ["gemma2", "saved"],
  ["gemma3_text", "saved"],
])("%s, %s: bfloat16 weights and compute stay near fp32", async (family, name) => {
  const sample = readGolden(scratch, family, name);
  using model = await loadModel(sample.folder, { dtype: "bfloat16" });
  for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(true);
  expect(runGolden(model, sample).logits).toBeCloseToAll(
    expectedValue(sample, "logits"),
    tolerances.bfloat16Logits,
  );
});

test("forward and backward leave no tensor behind", async () => {
  const sample = readGolden(scratch, "gemma2", "saved");
  using model = await loadModel(sample.folder);
  for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(true);
  runGolden(model, sample);
  const before = liveTensorCount();
  runGolden(model, sample);
  expect(liveTensorCount()).toBe(before);
});
