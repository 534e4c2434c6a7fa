import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { hashExamples } from "./hash-examples.ts";
import { holdOut } from "./hold-out.ts";
import { dataSources, type LoadExamplesOptions, loadExamples } from "./load-examples.ts";
import type { DataConfig, Example, LoadReport } from "./types.ts";

/** Training examples by file, and evaluation examples. */
export interface Dataset {
  train: Example[][];
  /** Sampling weight of each file, if any file has one, for `BatchSource`. */
  weights: number[] | undefined;
  /** Empty when the config names no evaluation data. */
  eval: Example[];
  report: { train: LoadReport; eval: LoadReport | undefined };
  /** Content hashes, for the run's record. */
  hashes: { train: string; eval: string };
}

/** Options of `loadDataset`. */
export interface LoadDatasetOptions extends LoadExamplesOptions {
  /** Seed of the choice of held-out rows; default 0. */
  readonly seed?: number;
}

/**
 * Loads training and evaluation data, or holds out a part of the training rows (which depends on `seed` alone).
 * @throws ScaloraError `data` or `config`, as `loadExamples` and `holdOut`
 */
export async function loadDataset(
  config: DataConfig,
  tokenizer: Tokenizer,
  { seed = 0, ...limits }: LoadDatasetOptions,
): Promise<Dataset> {
  const loaded = await loadExamples(config, tokenizer, limits);
  const other = await loadEval(config, tokenizer, limits);
  const split =
    typeof config.eval === "object" && "holdOut" in config.eval
      ? holdOut(loaded.examplesByFile, { amount: config.eval.holdOut, seed })
      : { train: loaded.examplesByFile, heldOut: other?.examples ?? [] };
  return {
    train: split.train,
    weights: samplingWeights(config),
    eval: split.heldOut,
    report: { train: loaded.report, eval: other?.report },
    hashes: { train: hashExamples(split.train), eval: hashExamples([split.heldOut]) },
  };
}

async function loadEval(config: DataConfig, tokenizer: Tokenizer, limits: LoadExamplesOptions) {
  const files = config.eval;
  if (files === undefined || files === "none" || (typeof files === "object" && "holdOut" in files))
    return undefined;
  return loadExamples({ ...config, train: files }, tokenizer, limits);
}

function samplingWeights({ train }: DataConfig): number[] | undefined {
  const sources = dataSources(train);
  if (sources.every(({ weight }) => weight === undefined)) return undefined;
  return sources.map(({ weight = 1 }) => weight);
}
