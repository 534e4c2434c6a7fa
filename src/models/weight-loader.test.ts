import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ModelWeights } from "../model-files/model-weights.ts";
import { writeModelFolder } from "../model-files/write-model-folder.ts";
import { type CausalLM, tokenStream } from "../nn/index.ts";
import { writeSafetensors } from "../safetensors/index.ts";
import { hasHugePages, hugePageKiB } from "../testing/huge-pages.ts";
import { refusal } from "../testing/refusal.ts";
import * as torch from "../torch/index.ts";
import { fromData, Generator, liveTensorCount, noGrad, scope, type Tensor, toDType } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { createModel, loadModel, saveModel } from "./index.ts";

const scratch = mkdtempSync(join(tmpdir(), "scalora-load-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const config = {
  model_type: "llama",
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  tie_word_embeddings: true,
  rope_theta: 10000.0,
  _name_or_path: "somewhere",
};

function newModel(changes: Record<string, unknown> = {}): CausalLM {
  using generator = new Generator(7, "cpu");
  return createModel({ ...config, ...changes }, generator);
}

let folders = 0;
/** A model folder with these tensors. */
function folderOf(
  tensors: Iterable<readonly [string, Tensor]>,
  changes: Record<string, unknown> = {},
): string {
  const folder = join(scratch, `model-${folders++}`);
  mkdirSync(folder);
  const text = JSON.stringify({ ...config, ...changes }).replace(
    '"rope_theta":10000',
    '"rope_theta":10000.0',
  );
  writeFileSync(join(folder, "config.json"), text);
  writeFileSync(join(folder, "tokenizer.json"), "{}");
  writeSafetensors(join(folder, "model.safetensors"), tensors);
  return folder;
}

function logits(model: CausalLM): Float64Array {
  return noGrad(() =>
    scope(() =>
      model.lm_head
        .forward(model.hiddenStates(tokenStream([1, 2, 3], undefined, { device: "cpu" })))
        .toFloats(),
    ),
  );
}

test("a saved folder holds config, tokenizer and weights, and loads to the same model", async () => {
  using model = newModel();
  const source = folderOf(model.namedParameters());
  const out = join(scratch, "saved");
  saveModel(model, source, out);
  expect(readdirSync(out).sort()).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
  const text = readFileSync(join(out, "config.json"), "utf8");
  expect(JSON.parse(text)).toEqual({ ...config, dtype: "float32", transformers_version: "5.17.0" });
  expect(text).toContain('"rope_theta": 10000.0');
  using loaded = await loadModel(out);
  expect([...loaded.namedParameters()].map(([name]) => name)).toEqual(
    [...model.namedParameters()].map(([name]) => name),
  );
  expect(logits(loaded)).toEqual(logits(model));
  expect(loaded.info).toEqual({
    family: "llama",
    vocabSize: 11,
    hiddenSize: 8,
    layers: 1,
    maxPositions: 2048,
    tiedEmbeddings: true,
    dtype: "float32",
  });
});

test("saving in bfloat16 rounds the weights, and auto loads what is stored", async () => {
  using model = newModel();
  const out = join(scratch, "half");
  saveModel(model, folderOf(model.namedParameters(), { torch_dtype: "float32" }), out, { dtype: "bfloat16" });
  expect(JSON.parse(readFileSync(join(out, "config.json"), "utf8"))).toMatchObject({
    torch_dtype: "bfloat16",
  });
  using half = await loadModel(out);
  expect(half.info.dtype).toBe("bfloat16");
  using full = await loadModel(out, { dtype: "float32" });
  const rounded = scope(() =>
    toDType(toDType(model.lm_head.denseWeight(), "bfloat16"), "float32").toFloats(),
  );
  expect(full.lm_head.denseWeight().toFloats()).toEqual(rounded);
});

test("weights in huge pages are those of the files, and are freed with the model", async () => {
  using model = newModel();
  const folder = folderOf(model.namedParameters());
  const before = hasHugePages ? hugePageKiB() : 0;
  for (const dtype of ["float32", "bfloat16"] as const) {
    using mapped = await loadModel(folder, { dtype });
    using copied = await loadModel(folder, { dtype, hugePages: true });
    if (hasHugePages) expect(hugePageKiB()).toBeGreaterThan(before);
    const numbers = (of: CausalLM) => [...of.namedParameters()].map(([name, x]) => [name, x.toFloats()]);
    expect(numbers(copied)).toEqual(numbers(mapped));
  }
  if (hasHugePages) expect(hugePageKiB()).toBe(before);
});

test("a replaced parameter stands in the files", async () => {
  using model = newModel();
  const out = join(scratch, "replaced");
  const name = "model.layers.0.mlp.up_proj.weight";
  const before = liveTensorCount();
  saveModel(model, folderOf(model.namedParameters()), out, {
    replace: (path) =>
      path === name ? fromData(new Float32Array(96).fill(0.5), [12, 8], { device: "cpu" }) : undefined,
  });
  expect(liveTensorCount()).toBe(before);
  using weights = ModelWeights.open(out);
  using written = weights.tensor(name);
  expect(written.toFloats()).toEqual(new Float64Array(96).fill(0.5));
});

test("large models are written in shards with an index, and read back", async () => {
  using model = newModel();
  const out = join(scratch, "sharded");
  const source = folderOf(model.namedParameters());
  writeModelFolder(
    out,
    {
      config: new Map(Object.entries({ model_type: "llama" })),
      weights: [...model.namedParameters()],
      auxiliarySource: source,
    },
    1000,
  );
  const files = readdirSync(out).filter((name) => name.startsWith("model-"));
  expect(files.length).toBeGreaterThan(1);
  expect(files[0]).toBe(`model-00001-of-0000${files.length}.safetensors`);
  const index = JSON.parse(readFileSync(join(out, "model.safetensors.index.json"), "utf8"));
  const parameters = [...model.namedParameters()];
  expect(Object.keys(index.weight_map)).toEqual(parameters.map(([name]) => name));
  expect(index.metadata.total_size).toBe(parameters.reduce((sum, [, { numel }]) => sum + 4 * numel, 0));
  writeFileSync(join(out, "config.json"), JSON.stringify(config));
  using loaded = await loadModel(out);
  expect(logits(loaded)).toEqual(logits(model));
  rmSync(join(out, elementAt(files, 0)));
  await expect(loadModel(out)).rejects.toThrow(refusal("format", { where: "model-00001", found: "ENOENT" }));
});

test("missing, unexpected and mis-shaped tensors are all named, with the nearest name", async () => {
  using model = newModel();
  const parameters = new Map(model.namedParameters());
  const up = parameters.get("model.layers.0.mlp.up_proj.weight") ?? model.lm_head.denseWeight();
  parameters.delete("model.norm.weight");
  parameters.delete("model.layers.0.mlp.up_proj.weight");
  parameters.set("model.layers.0.mlp.upproj.weight", up);
  using short = fromData(new Float32Array(7), [7], { device: "cpu" });
  parameters.set("model.layers.0.input_layernorm.weight", short);
  const before = liveTensorCount();
  const error = await loadModel(folderOf(parameters)).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "model" });
  const message = String(error);
  expect(message).toContain("missing model.norm.weight");
  expect(message).toContain(
    "missing model.layers.0.mlp.up_proj.weight (nearest: model.layers.0.mlp.upproj.weight)",
  );
  expect(message).toContain(
    "unexpected model.layers.0.mlp.upproj.weight (nearest: model.layers.0.mlp.up_proj.weight)",
  );
  expect(message).toContain("mis-shaped model.layers.0.input_layernorm.weight: expected [8], found [7]");
  expect(liveTensorCount()).toBe(before);
});

test("old rotary buffers and a copy of a tied output layer are no surprise", async () => {
  using model = newModel();
  using frequencies = fromData(new Float32Array(2), [2], { device: "cpu" });
  const extra: [string, Tensor][] = [
    ["model.layers.0.self_attn.rotary_emb.inv_freq", frequencies],
    ["lm_head.weight", model.lm_head.denseWeight()],
  ];
  using loaded = await loadModel(folderOf([...model.namedParameters(), ...extra]));
  expect(loaded.info.tiedEmbeddings).toBe(true);
});

test("an output layer that differs from the embedding is not tied, whatever the config says", async () => {
  using model = newModel();
  using other = fromData(new Float32Array(88).fill(0.25), [11, 8], { device: "cpu" });
  const source = folderOf([...model.namedParameters(), ["lm_head.weight", other]]);
  using loaded = await loadModel(source);
  expect(loaded.info.tiedEmbeddings).toBe(false);
  expect(loaded.lm_head.denseWeight().toFloats()).toEqual(new Float64Array(88).fill(0.25));
  const out = join(scratch, "untied");
  saveModel(loaded, source, out);
  expect(JSON.parse(readFileSync(join(out, "config.json"), "utf8")).tie_word_embeddings).toBe(false);
});

test("a folder that is not a model says what is missing", async () => {
  const empty = mkdtempSync(join(scratch, "empty-"));
  await expect(loadModel(join(scratch, "absent"))).rejects.toThrow(refusal("model", { where: /absent$/ }));
  await expect(loadModel(empty)).rejects.toThrow(refusal("model", { where: empty, message: "config.json" }));
  writeFileSync(join(empty, "config.json"), '{"model_type":"llama","model_type":"gpt2"}');
  await expect(loadModel(empty)).rejects.toThrow('duplicate key "model_type"');
  writeFileSync(join(empty, "config.json"), '{"model_type":"lama"}');
  await expect(loadModel(empty)).rejects.toThrow(
    refusal("model", { where: "model_type", expected: /^llama/, found: '"lama"', fix: "llama" }),
  );
  writeFileSync(join(empty, "config.json"), JSON.stringify(config));
  writeFileSync(join(empty, "pytorch_model.bin"), "");
  await expect(loadModel(empty)).rejects.toThrow(
    refusal("model", { expected: "model.safetensors", found: "pytorch_model.bin", fix: "safetensors" }),
  );
});

test("a cut weight file is refused, and one cut while it is open gives no tensor", async () => {
  using model = newModel();
  const folder = folderOf(model.namedParameters());
  const path = join(folder, "model.safetensors");
  using weights = ModelWeights.open(folder);
  truncateSync(path, 500);
  expect(() => weights.tensor("model.norm.weight")).toThrow(
    refusal("format", { where: path, expected: /^\d+ bytes$/, found: /^500 bytes$/ }),
  );
  await expect(loadModel(folder)).rejects.toThrow(
    refusal("format", { where: path, expected: "at least", found: /^500 bytes$/ }),
  );
});

test("an index may not lead out of the folder, nor to a shard without the tensor", async () => {
  using model = newModel();
  const folder = folderOf(model.namedParameters());
  const index = (map: object) =>
    writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  index({ "model.norm.weight": "../model.safetensors" });
  await expect(loadModel(folder)).rejects.toThrow(
    refusal("format", { where: 'tensor "model.norm.weight"', found: '"../model.safetensors"' }),
  );
  index({ "model.norms.weight": "model.safetensors" });
  await expect(loadModel(folder)).rejects.toThrow(
    refusal("format", { message: '"model.norms.weight"', expected: "model.safetensors" }),
  );
});

test("an occupied output folder is left alone", () => {
  using model = newModel();
  const source = folderOf(model.namedParameters());
  const out = mkdtempSync(join(scratch, "occupied-"));
  writeFileSync(join(out, "precious.txt"), "x");
  expect(() => saveModel(model, source, out)).toThrow(
    refusal("usage", { where: out, found: "precious.txt" }),
  );
  expect(readdirSync(out)).toEqual(["precious.txt"]);
  expect(() => saveModel(model, source, join(out, "precious.txt", "model"))).toThrow(
    refusal("run", { where: join(out, "precious.txt", "model"), found: "ENOTDIR" }),
  );
  expect(existsSync(join(out, "precious.txt"))).toBe(true);
});

/** A stored weight of the first block's gate with one value changed. */
function spoil(model: CausalLM, value: number, dtype: "float32" | "bfloat16" = "float32"): string {
  const spoilt = [...model.namedParameters()].map(([name, weight]) => {
    const values = Float32Array.from(weight.toFloats());
    if (name.endsWith("gate_proj.weight")) values[17] = value;
    return [name, toDType(fromData(values, weight.shape, { device: "cpu" }), dtype).keep()] as const;
  });
  try {
    return folderOf(spoilt);
  } finally {
    for (const [, tensor] of spoilt) tensor.dispose();
  }
}

test.each([
  { stored: "float32", value: Number.NaN, options: {} },
  { stored: "float32", value: Number.NEGATIVE_INFINITY, options: { dtype: "bfloat16" } },
  { stored: "bfloat16", value: Number.NaN, options: {} },
  { stored: "float32", value: Number.POSITIVE_INFINITY, options: { quantization: "nf4" } },
] as const)("a weight of $value is found at load, by tensor and file ($stored, $options)", async (row) => {
  using model = newModel();
  const folder = scope(() => spoil(model, row.value, row.stored));
  await expect(loadModel(folder, row.options)).rejects.toThrow(
    refusal("model", {
      where: join(folder, "model.safetensors"),
      found: "model.layers.0.mlp.gate_proj.weight (1 of 96 numbers",
    }),
  );
});

test("weights whose sum overflows are finite all the same", async () => {
  using model = newModel();
  torch.noGrad(() => torch.fill_(elementAt([...model.namedParameters()], 0)[1], 3e38));
  using loaded = await loadModel(folderOf(model.namedParameters()));
  expect(loaded.info.vocabSize).toBe(11);
});
