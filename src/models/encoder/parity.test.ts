import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type SequenceClassifier, tokenStream } from "../../nn/index.ts";
import { SafetensorsFile, writeSafetensors } from "../../safetensors/index.ts";
import "../../testing/close-to.ts";
import { refusal } from "../../testing/refusal.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { tolerances } from "../../testing/tolerances.ts";
import { fromData, liveTensorCount, mul, noGrad, scope, sum } from "../../torch/index.ts";
import { mapTuple } from "../../util/elements.ts";
import { loadClassifier, loadModel, saveModel } from "../index.ts";

const golden = fileURLToPath(new URL("../../../test/golden/encoders", import.meta.url));
const scratch = temporaryFolder();
afterAll(scratch.remove);
const cases = readdirSync(golden);

type Expected = Map<string, Float64Array>;

function readExpected(name: string): Expected {
  using file = SafetensorsFile.open(join(golden, name, "expected.safetensors"));
  return new Map(
    [...file.header.entries.keys()].map((tensor) => {
      using value = file.tensor(tensor);
      return [tensor, value.toFloats()];
    }),
  );
}

function get(values: Expected, name: string): Float64Array {
  return values.get(name) ?? expect.fail(`the case has no ${name}`);
}

function streamOf(expected: Expected) {
  const [tokens, offsets, tokenTypes] = mapTuple(["tokens", "offsets", "types"], (name) =>
    get(expected, name),
  );
  return tokenStream(tokens, [...offsets], { device: "cpu", tokenTypes });
}

const norm = (values: Float64Array) => Math.hypot(...values);

/** Hidden states, logits, and the gradients of their weighted sum, which stay on the parameters. */
function run(model: SequenceClassifier, expected: Expected) {
  return scope(() => {
    const stream = streamOf(expected);
    const hidden = noGrad(() => model.hiddenStates(stream)).toFloats();
    const logits = model.logits(stream);
    const weights = fromData(Float32Array.from(get(expected, "weights")), logits.shape, { device: "cpu" });
    sum(mul(logits, weights)).backward();
    return { hidden, logits: logits.toFloats() };
  });
}

test.each(cases)("%s: hidden states, logits and all gradients equal transformers'", async (name) => {
  const expected = readExpected(name);
  using model = await loadClassifier(join(golden, name));
  const parameters = [...model.namedParameters()];
  for (const [, parameter] of parameters) parameter.setRequiresGrad(true);
  const { hidden, logits } = run(model, expected);
  expect(hidden).toBeCloseToAll(get(expected, "hidden"), tolerances.logits);
  expect(logits).toBeCloseToAll(get(expected, "logits"), tolerances.logits);
  const gradients = new Map(parameters.map(([path, parameter]) => [`grad.${path}`, parameter.grad]));
  const used = [...gradients].flatMap(([path, gradient]) => (gradient ? [path] : []));
  expect(used.sort()).toEqual([...expected.keys()].filter((key) => key.startsWith("grad.")).sort());
  for (const path of used) {
    using gradient = gradients.get(path);
    const reference = get(expected, path);
    const values = gradient?.toFloats() ?? expect.fail(path);
    // What adds the same to the scores of all keys changes no softmax: such a bias has no gradient but for rounding.
    if (norm(reference) < 1e-6) expect(norm(values), path).toBeLessThan(1e-6);
    else expect(values, path).toBeCloseToAll(reference, tolerances.gradients);
  }
});

test("the golden cases cover every family", () => {
  for (const family of ["bert", "roberta", "deberta"])
    expect(cases.filter((name) => name.includes(family)).length).toBeGreaterThanOrEqual(4);
});

test.each(["bert-pairs", "roberta-padding", "deberta-conv", "bare-bert"])(
  "%s: forward and backward leave no tensor behind, nor does a model",
  async (name) => {
    const expected = readExpected(name);
    const start = liveTensorCount();
    const model = await loadClassifier(join(golden, name));
    const loaded = liveTensorCount();
    for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(true);
    run(model, expected);
    expect(liveTensorCount()).toBe(loaded);
    model.dispose();
    expect(liveTensorCount()).toBe(start);
  },
);

test.each(["bert-regression", "bare-roberta", "deberta-v3"])(
  "%s: a saved folder loads again with its labels and the same logits",
  async (name) => {
    const expected = readExpected(name);
    using model = await loadClassifier(join(golden, name));
    const out = join(scratch.path, name);
    saveModel(model, join(golden, name), out);
    using again = await loadClassifier(out);
    expect(again.info).toEqual(model.info);
    const logits = (of: SequenceClassifier) =>
      noGrad(() => scope(() => of.logits(streamOf(expected)).toFloats()));
    expect(logits(again)).toBeCloseToAll(logits(model), tolerances.logits);
  },
);

test("bfloat16 weights and compute stay near fp32", async () => {
  for (const name of ["bert-pairs", "roberta-unequal", "deberta-v3"]) {
    const expected = readExpected(name);
    using model = await loadClassifier(join(golden, name), { dtype: "bfloat16" });
    const logits = noGrad(() => scope(() => model.logits(streamOf(expected)).toFloats()));
    expect(logits, name).toBeCloseToAll(get(expected, "logits"), tolerances.bfloat16Logits);
  }
});

/** A case's folder with those of its weights that `holds` takes, under other names. */
function folderWith(name: string, holds: (name: string) => string | undefined): string {
  const folder = join(scratch.path, `part-of-${name}`);
  mkdirSync(folder);
  copyFileSync(join(golden, name, "config.json"), join(folder, "config.json"));
  using file = SafetensorsFile.open(join(golden, name, "model.safetensors"));
  scope(() => {
    const kept = [...file.header.entries.keys()].flatMap((own) => {
      const stored = holds(own);
      return stored === undefined ? [] : [[stored, file.tensor(own)] as const];
    });
    writeSafetensors(join(folder, "model.safetensors"), kept, {});
  });
  return folder;
}

test("files without a head get one with a random start from the seed, and it is said", async () => {
  const folder = folderWith("deberta-v3", (name) => (name.startsWith("deberta.") ? name : undefined));
  const load = (seed: number) => loadClassifier(folder, { labels: ["no", "yes", "maybe"], seed });
  using first = await load(1);
  expect(first.info.newlyInitialized).toEqual([
    "pooler.dense.weight",
    "pooler.dense.bias",
    "classifier.weight",
    "classifier.bias",
  ]);
  expect(first.info).toMatchObject({ labels: ["no", "yes", "maybe"], headModules: ["pooler", "classifier"] });
  using same = await load(1);
  using other = await load(2);
  const head = (model: SequenceClassifier) =>
    [...model.namedParameters()].flatMap(([name, value]) =>
      name === "classifier.weight" ? [...value.data()] : [],
    );
  expect(head(same)).toEqual(head(first));
  expect(head(other)).not.toEqual(head(first));
  const deviation = Math.hypot(...head(first).map(Number)) / Math.sqrt(3 * 16);
  expect(deviation).toBeGreaterThan(0.01);
  expect(deviation).toBeLessThan(0.03);
});

test("a pooler that the files lack belongs to the head; norms may have TensorFlow's names", async () => {
  const renamed = (name: string) =>
    name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
  const folder = folderWith("bert-pairs", (name) => (name.includes("pooler") ? undefined : renamed(name)));
  using model = await loadClassifier(folder);
  expect(model.info.headModules).toEqual(["classifier", "bert.pooler.dense"]);
});

test("a head of other classes, and a missing weight of the encoder, are refused", async () => {
  await expect(loadClassifier(join(golden, "bert-pairs"), { labels: 3 })).rejects.toThrow(
    refusal("model", { found: "mis-shaped classifier.weight: expected [3, 16], found [2, 16]" }),
  );
  const folder = folderWith("bare-roberta", (name) => (name.includes("query.weight") ? undefined : name));
  await expect(loadClassifier(folder)).rejects.toThrow(
    refusal("model", { where: folder, found: "missing roberta.encoder.layer.0.attention.self.query.weight" }),
  );
  await expect(loadClassifier(folder, { labels: [] })).rejects.toThrow(
    refusal("config", { where: "model.labels", found: /^\[\]$/ }),
  );
  await expect(loadClassifier(folder, { labels: ["a", "a"] })).rejects.toThrow(
    refusal("config", { where: "model.labels", found: /^a, a$/ }),
  );
});

test("a decoder is no classifier, and an encoder no language model", async () => {
  const decoder = fileURLToPath(new URL("../../../test/golden/llama/gqa", import.meta.url));
  await expect(loadClassifier(decoder)).rejects.toThrow(
    refusal("model", { where: "model_type", expected: /^bert, roberta, deberta-v2$/, found: '"llama"' }),
  );
  await expect(loadModel(join(golden, "bert-pairs"))).rejects.toThrow(
    refusal("model", {
      expected: /^llama, .*; with loadClassifier: bert, roberta, deberta-v2$/,
      found: '"bert"',
      fix: "loadClassifier",
    }),
  );
});
