import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { inputGain } from "../../examples/input-gain/input-gain.ts";
import type { AdapterConfig, Method } from "../adapters/core/method.ts";
import { type AdapterSet, attachParsed, listMethods, registerMethod } from "../adapters/index.ts";
import { collate, type Example } from "../data/index.ts";
import { classifierFamilies } from "../models/classifier-families.ts";
import { loadClassifier, loadModel, modelFamilies, saveModel } from "../models/index.ts";
import { isClassifier, type TrainableModel, tokenStream } from "../nn/index.ts";
import { AdamW, makeSchedule } from "../optim/index.ts";
import "../testing/close-to.ts";
import { copyGolden } from "../testing/golden-models.ts";
import { SupportRecorder } from "../testing/support-recorder.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { tolerances } from "../testing/tolerances.ts";
import { liveTensorCount, noGrad, scope } from "../torch/index.ts";
import { trainStep } from "../train/step.ts";

registerMethod(inputGain);

const scratch = temporaryFolder();
afterAll(scratch.remove);
const support = new SupportRecorder("families");

const encoders = fileURLToPath(new URL("../../test/golden/encoders", import.meta.url));
/** Small models of the families, as folders. */
const encoderCases = new Map([
  ["bert", "bert-pairs"],
  ["roberta", "roberta-unequal"],
  ["deberta-v2", "deberta-v3"],
]);

/** The folder of a family's small model, and what loads it and the merged one. */
function familyModel(family: string, method: string) {
  const quantization = method === "qlora" ? "nf4" : "none";
  const encoder = encoderCases.get(family);
  const isEncoder = classifierFamilies().includes(family);
  const name = family === "llama" ? "untied" : "saved";
  const folder = isEncoder
    ? join(encoders, encoder ?? expect.fail(`no small ${family}`))
    : copyGolden(scratch.path, family, name);
  const load = (
    path: string,
    options: { dtype: "float32" | "bfloat16"; quantization?: "nf4" | "none" },
  ): Promise<TrainableModel> => (isEncoder ? loadClassifier(path, options) : loadModel(path, options));
  return { folder, load, quantization } as const;
}

const rows: Example[] = [
  [3, 4, 5, 6],
  [7, 8, 9],
  [10, 11, 4, 8, 5],
].map((ids, i) => ({
  ids: Int32Array.from(ids),
  isLabel: Uint8Array.from(ids, (_, at) => (at > 0 ? 1 : 0)),
  source: `rows:${i + 1}`,
}));

const batchFor = (model: TrainableModel) =>
  collate(isClassifier(model) ? rows.map((row, i) => ({ ...row, label: i % 2 })) : rows);

function logits(model: TrainableModel): Float64Array {
  return noGrad(() =>
    scope(() => {
      const stream = tokenStream([3, 5, 9, 4, 7, 6, 8, 10], [0, 6, 8], { device: "cpu" });
      const values = isClassifier(model)
        ? model.logits(stream)
        : model.lm_head.forward(model.hiddenStates(stream));
      return values.toFloats();
    }),
  );
}

/** A method with a small size, by the first of these keys that it has. */
function smallest({ name, schema }: Method): AdapterConfig {
  for (const size of [{ rank: 2 }, { frequencies: 30 }, {}]) {
    const { data } = schema.safeParse({ method: name, ...size });
    if (data) return data;
  }
  throw new Error(`no size suits ${name}`);
}

/** A few steps, with every hook of the method. @returns the last loss */
async function trainSteps(model: TrainableModel, adapters: AdapterSet): Promise<number> {
  using optimizer = new AdamW(adapters.trainables());
  const schedule = makeSchedule({ name: "constant", lr: 1e-3, steps: 3 });
  const batch = batchFor(model);
  let loss = Number.NaN;
  for (const step of [1, 2, 3])
    ({ loss } = await trainStep({ model, adapters, optimizer, schedule, clip: 1 }, [batch], step));
  return loss;
}

/** The folder of the merged model. */
function writeMerged(model: TrainableModel, adapters: AdapterSet, folder: string, name: string): string {
  const paths = new Set(adapters.adaptedPaths());
  const out = join(scratch.path, name);
  const replace = (parameter: string) => {
    const path = parameter.replace(/\.weight$/, "");
    return paths.has(path) ? adapters.mergedWeight(path) : undefined;
  };
  scope(() => saveModel(model, folder, out, { replace }));
  return out;
}

const cases = listMethods().flatMap((method) =>
  modelFamilies().map((family) => ({ name: method.name, family, method })),
);

test.each(cases)("$name on $family: trains, and the merged folder is the same model", async (one) => {
  const { name, family, method } = one;
  const live = liveTensorCount();
  const { folder, load, quantization } = familyModel(family, name);
  for (const dtype of ["float32", "bfloat16"] as const) {
    using model = await load(folder, { dtype, quantization });
    const adapters = attachParsed(model, smallest(method), 1);
    expect(await trainSteps(model, adapters)).toBeLessThan(20);
    support.record(name, "trains", family, dtype);
    if (dtype === "float32") {
      const adapted = logits(model);
      using merged = await load(writeMerged(model, adapters, folder, `${name}-${family}`), { dtype });
      expect(logits(merged)).toBeCloseToAll(adapted, tolerances.adaptedLogits);
      support.record(name, "merged folder", family, dtype);
    }
    adapters.dispose();
  }
  expect(liveTensorCount()).toBe(live);
});

test("what was shown is what docs/support.md is made of", () => support.compare());
