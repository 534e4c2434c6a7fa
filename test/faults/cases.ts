import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { writeTinySentimentProject } from "../../src/testing/tiny-bert.ts";
import { tinyMethodConfigs, writeTinyProject } from "../../src/testing/tiny-trained-run.ts";

/** A recipe to be trained with and without faults. */
export interface Case {
  readonly name: string;
  readonly method: string;
  readonly dtype: string;
  /** Path of its file. */
  readonly recipe: string;
}

const often = { interval: 2 };

/** The `adapter` section of a recipe. */
type Adapter = Readonly<Record<string, unknown>> & { readonly method: string };

const methods: Readonly<Record<string, Adapter>> = {
  ...tinyMethodConfigs,
  "scalora-i": { method: "scalora-i", rank: 2, ...often, scale: { columnNorm: 0.5 } },
  "scalora-svd": { method: "scalora", rank: 2, policy: "svd" },
  relora: { ...tinyMethodConfigs.relora, ...often },
  "relora-factored": { ...tinyMethodConfigs["relora-factored"], ...often },
  flora: { ...tinyMethodConfigs.flora, ...often },
  "flora-factored": { ...tinyMethodConfigs["flora-factored"], ...often },
};

/** The oracle of ScaLoRA's solvers wants float32. */
const dtypesOf = ({ policy }: Adapter) => (policy === "svd" ? ["float32"] : ["float32", "bfloat16"]);

/** How a step gets its rows; the cases take turns. */
const batches = [
  { batchSize: 4 },
  { batchTokens: 40 },
  { batchSize: 2, accumulate: 2 },
  { batchTokens: 24, accumulate: 3 },
];

const optimisers = [{}, { schedule: "cosine", clip: 0 }, { optimizer: "sgd", momentum: 0.9 }];

/**
 * Writes models, rows and recipes into a folder: every method in float32 and bfloat16, with budgets of rows and of tokens,
 * with and without accumulation, and a classifier with dropout.
 */
export function writeCases(folder: string): Case[] {
  const sentiment = join(folder, "sentiment");
  mkdirSync(sentiment, { recursive: true });
  writeTinyProject(folder);
  writeTinySentimentProject(sentiment);
  const write = (
    name: string,
    dtype: string,
    sections: { adapter: Adapter } & Record<string, unknown>,
  ): Case => {
    const recipe = join(folder, `${name}.yaml`);
    writeFileSync(recipe, stringify(sections));
    return { name, method: sections.adapter.method, dtype, recipe };
  };
  const common = { steps: 6, evalEvery: 2, saveEvery: 2, keepLast: 3 };
  const runs = join(folder, "runs");
  const decoders = Object.entries(methods).flatMap(([name, adapter], i) =>
    dtypesOf(adapter).map((dtype, j) => {
      const turn = 2 * i + j;
      const optimiser = optimisers[i % optimisers.length];
      return write(`${name}-${dtype}`, dtype, {
        model: {
          path: join(folder, "model"),
          dtype,
          device: "cpu",
          ...(name.endsWith("-nf4") && { quantization: "nf4" }),
        },
        adapter,
        data: { train: join(folder, "train.jsonl"), eval: { holdOut: 4 } },
        train: { ...common, lr: 1e-3, ...batches[turn % batches.length], ...optimiser },
        // Half the time of a run.
        run: { folder: runs, samples: turn % 4 === 0 ? 1 : 0 },
      });
    }),
  );
  const classifier = write("classifier", "float32", {
    model: { path: join(sentiment, "bert"), labels: ["blame", "praise"], device: "cpu" },
    adapter: { method: "lora", rank: 2 },
    data: { train: join(sentiment, "train.jsonl"), eval: join(sentiment, "test.jsonl") },
    train: { ...common, batchSize: 8, lr: 1e-2 },
    run: { folder: runs, samples: 0 },
  });
  return [...decoders, classifier];
}
