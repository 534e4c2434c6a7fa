import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { SafetensorsFile } from "../../hub/safetensors/index.js";
import { type CausalLM, tokenStream } from "../../nn/index.js";
import "../../testing/close-to.js";
import { tolerances } from "../../testing/tolerances.js";
import { indexSelect, indices, linearCrossEntropy, liveTensors, noGrad, scope } from "../../torch/index.js";
import { loadModel } from "../index.js";

const golden = fileURLToPath(new URL("../../../test/golden/llama", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "scalora-llama-"));
afterAll(() => rmSync(scratch, { recursive: true }));

interface Golden {
  folder: string;
  tokens: number[];
  offsets: number[];
  expected: Map<string, Float64Array>;
}

/** Reads a case and puts its config together with the weights it uses. */
function readCase(name: string): Golden {
  using file = SafetensorsFile.open(join(golden, name, "expected.safetensors"));
  const expected = new Map<string, Float64Array>();
  for (const tensor of file.header.entries.keys()) {
    using value = file.tensor(tensor);
    expected.set(tensor, value.toFloats());
  }
  const folder = mkdtempSync(join(scratch, "case-"));
  const weights = file.header.metadata.get("weights") ?? name;
  copyFileSync(join(golden, name, "config.json"), join(folder, "config.json"));
  copyFileSync(join(golden, weights, "model.safetensors"), join(folder, "model.safetensors"));
  return { folder, tokens: [...get(expected, "tokens")], offsets: [...get(expected, "offsets")], expected };
}

function get(values: Map<string, Float64Array>, name: string): Float64Array {
  const value = values.get(name);
  if (value === undefined) throw new Error(`the case has no ${name}`);
  return value;
}

/** Logits of every token, and the gradients of the summed next-token loss, which stay on the parameters. */
function run(model: CausalLM, { tokens, offsets }: Golden): { logits: Float64Array; loss: number } {
  return scope(() => {
    const hidden = model.hiddenStates(tokenStream(tokens, offsets));
    const rows = tokens.map((_, i) => i).filter((i) => !offsets.includes(i + 1));
    const targets = indices(rows.map((i) => tokens[i + 1]));
    const loss = linearCrossEntropy(indexSelect(hidden, 0, indices(rows)), model.lm_head.weight, targets);
    loss.backward();
    return { logits: noGrad(() => model.lm_head.forward(hidden)).toFloats(), loss: loss.item() };
  });
}

const cases = readdirSync(golden);

test.each(cases)("%s: logits, loss and all gradients equal transformers'", async (name) => {
  const sample = readCase(name);
  using model = await loadModel(sample.folder);
  const parameters = [...model.namedParameters()];
  for (const [, parameter] of parameters) parameter.setRequiresGrad(true);
  const { logits, loss } = run(model, sample);
  expect(logits).toBeCloseToAll(get(sample.expected, "logits"), tolerances.logits);
  expect([loss]).toBeCloseToAll(get(sample.expected, "loss"), tolerances.loss);
  const gradients = [...sample.expected.keys()].filter((key) => key.startsWith("grad."));
  expect(parameters.map(([path]) => `grad.${path}`).sort()).toEqual(gradients.sort());
  for (const [path, parameter] of parameters) {
    using gradient = parameter.grad;
    expect(gradient?.toFloats() ?? [], path).toBeCloseToAll(
      get(sample.expected, `grad.${path}`),
      tolerances.gradients,
    );
  }
});

test("the golden cases cover what their names say", () => {
  expect(cases).toEqual(
    expect.arrayContaining(["gqa", "untied", "biases", "gelu", "head-dim", "old-layout", "yarn-mscale"]),
  );
  for (const type of ["dynamic", "llama3", "yarn", "longrope"]) {
    expect(cases).toEqual(expect.arrayContaining([`${type}-within`, `${type}-beyond`]));
  }
});

test.each(["gqa", "biases", "dynamic-within", "longrope-within", "yarn-beyond"])(
  "%s: a cache fed in pieces gives the logits of the whole sequence",
  async (name) => {
    const { folder, tokens, offsets, expected } = readCase(name);
    using model = await loadModel(folder);
    const length = offsets[1];
    using cache = model.newCache();
    const rows: number[] = [];
    let start = 0;
    for (const size of [3, 1, 1, 2, length]) {
      const piece = tokens.slice(start, Math.min(start + size, length));
      if (piece.length === 0) continue;
      const logits = noGrad(() =>
        scope(() =>
          model.lm_head
            .forward(model.hiddenStates(tokenStream(piece, undefined, { caches: [cache] })))
            .toFloats(),
        ),
      );
      rows.push(...logits);
      start += piece.length;
    }
    expect(cache.length).toBe(length);
    const whole = get(expected, "logits").slice(0, length * model.info.vocabSize);
    expect(rows).toBeCloseToAll(whole, tolerances.logits);
  },
);

test("a batch is the sum of its sequences, also where each has a rope table of its own", async () => {
  const { folder, tokens } = readCase("dynamic-beyond");
  using model = await loadModel(folder);
  const offsets = [0, 5, 45, 57];
  const logits = (ids: number[], starts?: number[]) =>
    noGrad(() =>
      scope(() => [...model.lm_head.forward(model.hiddenStates(tokenStream(ids, starts))).toFloats()]),
    );
  const alone = offsets.slice(1).flatMap((end, i) => logits(tokens.slice(offsets[i], end)));
  expect(logits(tokens, offsets)).toBeCloseToAll(alone, tolerances.cachedLogits);
});

test.each(["gqa", "biases", "head-dim"])("%s: bfloat16 weights and compute stay near fp32", async (name) => {
  const sample = readCase(name);
  using model = await loadModel(sample.folder, { dtype: "bfloat16" });
  for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(true);
  expect(run(model, sample).logits).toBeCloseToAll(get(sample.expected, "logits"), tolerances.bfloat16Logits);
  for (const [path, parameter] of model.namedParameters()) {
    using gradient = parameter.grad;
    expect(gradient?.dtype, path).toBe("bfloat16");
  }
});

test("forward and backward leave no tensor behind", async () => {
  const sample = readCase("biases");
  using model = await loadModel(sample.folder);
  for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(true);
  run(model, sample);
  const before = liveTensors();
  run(model, sample);
  expect(liveTensors()).toBe(before);
});

test("loading and disposing a model is balanced", async () => {
  const { folder } = readCase("untied");
  const before = liveTensors();
  const model = await loadModel(folder);
  const [rows] = noGrad(() => scope(() => model.hiddenStates(tokenStream([1, 2, 3])).shape));
  expect(rows).toBe(3);
  expect(liveTensors()).toBeGreaterThan(before);
  model.dispose();
  expect(liveTensors()).toBe(before);
});
