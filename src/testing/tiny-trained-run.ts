import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { parseRecipe } from "../config/index.ts";
import { runTraining } from "../recipes/run-training.ts";
import { setThreads } from "../torch/index.ts";
import { type TinyLlamaOptions, writeTinyLlama } from "./tiny-llama.ts";

/** Rows of a small task: three letters, to be repeated in capitals. */
export function capitalRows(count: number, first = 0): string {
  const letters = "abcdefghijklmnopqrstuvwxyz";
  const rows = Array.from({ length: count }, (_, i) => {
    const word = [0, 1, 2].map((j) => letters[((first + i) * (j * 2 + 3) + j) % 26]).join("");
    return JSON.stringify({ prompt: `${word}=`, completion: word.toUpperCase() });
  });
  return `${rows.join("\n")}\n`;
}

/** The `adapter` section of a recipe for each method. */
export const tinyMethodConfigs = {
  lora: { method: "lora", rank: 2 },
  "lora-patterns": { method: "lora", rank: 2, alpha: 5, rankPattern: { v_proj: 3 } },
  scalora: { method: "scalora", rank: 2, scale: { columnNorm: 0.5 } },
  "scalora-factored": {
    method: "scalora",
    rank: 2,
    base: "factored",
    baseRank: 6,
    scale: { columnNorm: 0.5 },
  },
  "scalora-nf4": { method: "scalora", rank: 2, base: "factored", scale: { columnNorm: 0.5 } },
  "scalora-magnitude": {
    method: "scalora",
    rank: 2,
    base: "factored",
    baseRank: 6,
    scale: { columnNorm: 0.5 },
    magnitude: true,
  },
  full: { method: "full" },
  qlora: { method: "qlora", rank: 2 },
  "lora+": { method: "lora+", rank: 2, ratio: 4 },
  "lora-ga": { method: "lora-ga", rank: 2 },
  pissa: { method: "pissa", rank: 2 },
  dora: { method: "dora", rank: 2 },
  "dora-nf4": { method: "dora", rank: 2 },
  hira: { method: "hira", rank: 2 },
  "hira-nf4": { method: "hira", rank: 2 },
  fourierft: { method: "fourierft", frequencies: 30, scaling: 20 },
  "fourierft-nf4": { method: "fourierft", frequencies: 30, scaling: 20 },
  mora: { method: "mora", rank: 2 },
  relora: { method: "relora", rank: 2, interval: 5 },
  "relora-factored": { method: "relora", rank: 2, interval: 5, base: "factored", baseRank: 6 },
  flora: { method: "flora", rank: 2, interval: 5 },
  "flora-factored": { method: "flora", rank: 2, interval: 5, base: "factored", baseRank: 6 },
} as const;

export type TinyMethod = keyof typeof tinyMethodConfigs;

/**
 * Trains a short run of a method on the model and rows that `writeTinyProject` wrote into `folder`.
 * @returns the run's folder
 */
export async function trainTiny(
  folder: string,
  method: TinyMethod,
  dtype: "float32" | "bfloat16" = "float32",
  run: { name?: string; analysis?: { every: number } } = {},
): Promise<string> {
  setThreads(1);
  const quantization = method.endsWith("-nf4") ? { quantization: "nf4" } : {};
  const recipe = parseRecipe(
    {
      model: { path: join(folder, "model"), dtype, device: "cpu", ...quantization },
      adapter: tinyMethodConfigs[method],
      data: { train: join(folder, "train.jsonl"), eval: { holdOut: 8 } },
      train: { steps: 12, batchSize: 4, lr: method === "full" ? 1e-3 : 1e-2, evalEvery: 4, saveEvery: 4 },
      run: { name: `${method}-${dtype}`, folder: join(folder, "runs"), ...run },
    },
    { cwd: folder },
  );
  const signal = new AbortController().signal;
  const result = await runTraining(recipe, { signal, onEvent: () => {} });
  return result.folder;
}

/**
 * Writes the model (`model`) and rows (`train.jsonl`, `test.jsonl`) that `trainTiny` uses.
 * @param config overrides of the tiny Llama's config
 */
export function writeTinyProject(folder: string, config?: TinyLlamaOptions["config"]): void {
  writeTinyLlama(join(folder, "model"), { ...(config && { config }) });
  writeFileSync(join(folder, "train.jsonl"), capitalRows(48));
  writeFileSync(join(folder, "test.jsonl"), capitalRows(10, 60));
}

/**
 * Writes the same with a recipe of one step of LoRA.
 * @param model more keys of its `model` section
 * @returns the recipe's path
 */
export function writeTinyRecipe(folder: string, model: Readonly<Record<string, string>>): string {
  writeTinyProject(folder);
  const recipe = join(folder, "recipe.yaml");
  const sections = {
    model: { path: join(folder, "model"), device: "cpu", ...model },
    adapter: { method: "lora", rank: 2 },
    data: { train: join(folder, "train.jsonl"), eval: "none" },
    train: { steps: 1, lr: 1e-4 },
    run: { name: "mine", folder: join(folder, "runs"), samples: 0 },
  };
  writeFileSync(recipe, stringify(sections));
  return recipe;
}
