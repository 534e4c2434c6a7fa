import { copyFileSync, mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type CausalLM, tokenStream } from "../nn/index.ts";
import { readSafetensorsHeader, SafetensorsFile } from "../safetensors/index.ts";
import "./close-to.ts";
import { indexSelect, indices, linearCrossEntropy, noGrad, scope } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { tolerances } from "./tolerances.ts";

const golden = (...parts: string[]) =>
  join(fileURLToPath(new URL("../../test/golden", import.meta.url)), ...parts);

/** A case of `tools/reference/llama.py` or `decoders.py`. */
export interface GoldenModel {
  /** A model folder. */
  folder: string;
  /** Sequences, one after another. */
  tokens: number[];
  offsets: number[];
  /** Computed by transformers: `logits`, `loss`, and `grad.NAME` for each parameter. */
  expected: Map<string, Float64Array>;
}

/** The cases of a family. */
export function goldenCases(family: string): string[] {
  return readdirSync(golden(family));
}

/**
 * Makes a model folder of a case in a new folder under `scratch`: its config with the weights it uses, which may be
 * those of another case.
 */
export function copyGolden(scratch: string, family: string, name: string): string {
  const { metadata } = readSafetensorsHeader(golden(family, name, "expected.safetensors"));
  const folder = mkdtempSync(join(scratch, `${family}-`));
  copyFileSync(golden(family, name, "config.json"), join(folder, "config.json"));
  const weights = metadata.get("weights") ?? name;
  copyFileSync(golden(family, weights, "model.safetensors"), join(folder, "model.safetensors"));
  return folder;
}

/** Reads a case. */
export function readGolden(scratch: string, family: string, name: string): GoldenModel {
  using file = SafetensorsFile.open(golden(family, name, "expected.safetensors"));
  const expected = new Map<string, Float64Array>();
  for (const tensor of file.header.entries.keys()) {
    using value = file.tensor(tensor);
    expected.set(tensor, value.toFloats());
  }
  return {
    folder: copyGolden(scratch, family, name),
    tokens: [...expectedValue({ expected }, "tokens")],
    offsets: [...expectedValue({ expected }, "offsets")],
    expected,
  };
}

/** One of the expected tensors. */
export function expectedValue({ expected }: Pick<GoldenModel, "expected">, name: string): Float64Array {
  const value = expected.get(name);
  if (value === undefined) throw new Error(`the case has no ${name}`);
  return value;
}

/** Logits of every token, and the gradients of the summed next-token loss, which stay on the parameters. */
export function runGolden(
  model: CausalLM,
  { tokens, offsets }: Pick<GoldenModel, "tokens" | "offsets">,
): { logits: Float64Array; loss: number } {
  return scope(() => {
    const head = model.lm_head;
    const hidden = model.hiddenStates(tokenStream(tokens, offsets, { device: "cpu" }));
    const rows = tokens.map((_, i) => i).filter((i) => !offsets.includes(i + 1));
    const targets = indices(
      rows.map((i) => elementAt(tokens, i + 1)),
      { device: "cpu" },
    );
    const labelled = indexSelect(hidden, 0, indices(rows, { device: "cpu" }));
    const loss = linearCrossEntropy(labelled, head.denseWeight(), targets, { softCap: head.softCap });
    loss.backward();
    return { logits: noGrad(() => head.forward(hidden)).toFloats(), loss: loss.item() };
  });
}

/** Compares logits, loss and the gradient of every parameter with the reference. */
export function expectParity(model: CausalLM, sample: GoldenModel): void {
  const parameters = [...model.namedParameters()];
  for (const [, parameter] of parameters) parameter.setRequiresGrad(true);
  const { logits, loss } = runGolden(model, sample);
  expect(logits).toBeCloseToAll(expectedValue(sample, "logits"), tolerances.logits);
  expect([loss]).toBeCloseToAll(expectedValue(sample, "loss"), tolerances.loss);
  const gradients = [...sample.expected.keys()].filter((key) => key.startsWith("grad."));
  expect(parameters.map(([path]) => `grad.${path}`).sort()).toEqual(gradients.sort());
  for (const [path, parameter] of parameters) {
    using gradient = parameter.grad;
    expect(gradient?.toFloats() ?? [], path).toBeCloseToAll(
      expectedValue(sample, `grad.${path}`),
      tolerances.gradients,
    );
  }
}

/** Compares the logits of the first sequence, fed through a cache in pieces of these sizes and then the rest. */
export function expectCachedParity(model: CausalLM, sample: GoldenModel, sizes: readonly number[]): void {
  const length = elementAt(sample.offsets, 1);
  using cache = model.newCache();
  const rows: number[] = [];
  let start = 0;
  for (const size of [...sizes, length]) {
    const piece = sample.tokens.slice(start, Math.min(start + size, length));
    if (piece.length === 0) continue;
    const logits = noGrad(() =>
      scope(() =>
        model.lm_head
          .forward(model.hiddenStates(tokenStream(piece, undefined, { device: "cpu", caches: [cache] })))
          .toFloats(),
      ),
    );
    rows.push(...logits);
    start += piece.length;
  }
  expect(cache.length).toBe(length);
  const whole = expectedValue(sample, "logits").slice(0, length * model.info.vocabSize);
  expect(rows).toBeCloseToAll(whole, tolerances.logits);
}
