import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { stringify } from "yaml";
import { loadRecipe } from "../../src/config/index.ts";
import { runTraining } from "../../src/recipes/run-training.ts";
import { writeTinyProject } from "../../src/testing/tiny-trained-run.ts";
import { liveTensorCount, memory, setThreads } from "../../src/torch/index.ts";
import { elementAt } from "../../src/util/elements.ts";

/** What the process holds after a step. */
export interface Sample {
  readonly step: number;
  readonly tensors: number;
  readonly descriptors: number;
  readonly mappedFiles: number;
  /** Bytes of JavaScript's heap, after a collection of garbage. */
  readonly heap: number;
  /** Resident bytes. */
  readonly resident: number;
}

/**
 * Trains a tiny model for so many steps in this process, with an evaluation and a checkpoint every so often, and looks at
 * what the process holds each time. Linux only.
 * @param folder an empty one
 */
export async function soak(folder: string, steps: number, every: number): Promise<Sample[]> {
  setThreads(1);
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  writeTinyProject(folder);
  const recipe = join(folder, "soak.yaml");
  writeFileSync(
    recipe,
    stringify({
      model: { path: join(folder, "model"), device: "cpu" },
      adapter: { method: "scalora-i", rank: 2 },
      data: { train: join(folder, "train.jsonl"), eval: { holdOut: 4 } },
      train: { steps, batchSize: 2, lr: 1e-4, evalEvery: every, saveEvery: every },
      run: { name: "soak", folder: join(folder, "runs"), samples: 1 },
    }),
  );
  const samples: Sample[] = [];
  await runTraining(loadRecipe(recipe), {
    signal: new AbortController().signal,
    onEvent: (event) => {
      if (event.type !== "step" || event.step % every !== 0) return;
      collectGarbage();
      samples.push(sample(event.step));
    },
  });
  return samples;
}

function sample(step: number): Sample {
  const maps = readFileSync("/proc/self/maps", "utf8");
  return {
    step,
    tensors: liveTensorCount(),
    descriptors: readdirSync("/proc/self/fd").length,
    mappedFiles: new Set(maps.match(/\S+\.(safetensors|gguf)$/gm)).size,
    heap: process.memoryUsage().heapUsed,
    resident: memory().resident,
  };
}

/** Bytes that heap and resident memory may grow by with each step: a number that is kept for each step takes 8. */
const limits = { heap: 100, resident: 400 };

/**
 * How what a process holds grew from sample to sample, after the first fifth, in which caches fill.
 * @returns the slopes in bytes per step, the first and last figures, and what grew too much
 */
export function growth(samples: readonly Sample[]) {
  const settled = samples.slice(Math.floor(samples.length / 5));
  const [first, last] = [elementAt(settled, 0), elementAt(settled, settled.length - 1)];
  const slopes = { heap: slope(settled, "heap"), resident: slope(settled, "resident") };
  const grown = (["tensors", "descriptors", "mappedFiles"] as const).filter((name) =>
    settled.some((one) => one[name] !== first[name]),
  );
  const faults = [
    ...grown.map((name) => `${name}: ${settled.map((one) => one[name]).join(" ")}`),
    ...(["heap", "resident"] as const)
      .filter((name) => slopes[name] > limits[name])
      .map((name) => `${name} grows by ${slopes[name].toFixed(1)} bytes a step, more than ${limits[name]}`),
  ];
  return { slopes, limits, first, last, faults };
}

/** The least-squares slope of a figure over the steps. */
function slope(samples: readonly Sample[], figure: "heap" | "resident"): number {
  const mean = (of: (one: Sample) => number) =>
    samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const [x, y] = [mean(({ step }) => step), mean((one) => one[figure])];
  const covariance = mean((one) => (one.step - x) * (one[figure] - y));
  return covariance / mean(({ step }) => (step - x) ** 2);
}
