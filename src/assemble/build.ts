import type { AdapterSet } from "../adapters/index.ts";
import type { ModelConfig, TrainConfig } from "../config/index.ts";
import type { ClassifierLabels } from "../data/index.ts";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { readModelConfig } from "../model-files/model-folder.ts";
import { isClassifierFolder, loadClassifier, loadModel } from "../models/index.ts";
import { isClassifier, type TrainableModel } from "../nn/index.ts";
import { AdamW, type Optimizer, SGD } from "../optim/index.ts";
import { checkVocabulary, type Tokenizer } from "../tokenizer/index.ts";
import { chooseGemmBackend, type GemmBackend, hasCuda } from "../torch/index.ts";
import { disposeOnError } from "../util/dispose-on-error.ts";
import { ScaloraError } from "../util/errors.ts";

/** A base model, ready to compute, and how it computes. */
export interface LoadedModel {
  readonly model: TrainableModel;
  readonly tokenizer: Tokenizer;
  /** Who computes fp32 matrix products; "aten" where there was nothing to choose. */
  readonly gemmBackend: GemmBackend;
}

/**
 * Loads a model folder with its tokenizer and chooses the kernels. An encoder becomes a classifier.
 * @param seed of the random start of a head that the folder does not hold
 * @throws ScaloraError `model` or `format` for a folder that cannot be used, `config` for a device that is not there
 */
export async function loadModelAndTokenizer(config: ModelConfig, seed: number): Promise<LoadedModel> {
  const { path } = config;
  readModelConfig(path);
  const tokenizer = await loadTokenizer(path);
  const model = await loadBaseModel(config, seed);
  disposeOnError([model], () => checkVocabulary(tokenizer, model.info.vocabSize, path));
  const gemmBackend = deviceOf(model) === "cpu" ? chooseGemmBackend().chosen : "aten";
  return { model, tokenizer, gemmBackend };
}

/** The model of `loadBase` alone. */
export async function loadBaseModel(
  { path, dtype, device, quantization, labels, headDropout }: ModelConfig,
  seed: number,
): Promise<TrainableModel> {
  const options = { dtype: computeDType(dtype), device: chooseDevice(device), quantization };
  if (isClassifierFolder(path))
    return loadClassifier(path, {
      ...{ ...options, seed },
      ...(labels !== undefined && { labels }),
      ...(headDropout !== undefined && { headDropout }),
    });
  if (labels === undefined && headDropout === undefined) return loadModel(path, options);
  const key = labels === undefined ? "model.headDropout" : "model.labels";
  throw new ScaloraError("config", `Only encoders have ${labels === undefined ? "a head" : "labels"}`, {
    where: key,
    found: `${path}, a language model`,
    fix: `remove ${key}`,
  });
}

/** Where a model's parameters lie. */
export function deviceOf(model: TrainableModel): string {
  for (const [, parameter] of model.namedParameters()) return parameter.device;
  return "cpu";
}

/** What the data of a classifier are read for; of another model nothing. */
export function classesOf(model: TrainableModel): { classes?: ClassifierLabels } {
  if (!isClassifier(model)) return {};
  const { labels, regression, tokenTypeCount } = model.info;
  return { classes: { labels, regression, typeVocabSize: tokenTypeCount } };
}

/** `auto` is float32 until bfloat16 is shown to be faster end to end and as good (docs/decisions.md). */
function computeDType(dtype: ModelConfig["dtype"]): "float32" | "bfloat16" {
  return dtype === "auto" ? "float32" : dtype;
}

function chooseDevice(wanted: string): string {
  if (wanted === "auto") return hasCuda() ? "cuda:0" : "cpu";
  if (wanted.startsWith("cuda") && !hasCuda()) {
    throw new ScaloraError("config", "There is no CUDA device here", {
      where: "model.device",
      found: wanted,
      fix: "use model.device: cpu, or run `npx scalora doctor` to see what was found",
    });
  }
  return wanted;
}

/** The recipe's optimiser over everything that the method trains. */
export function makeOptimizer(adapters: AdapterSet, train: TrainConfig): Optimizer {
  const { weightDecay } = train;
  return train.optimizer === "sgd"
    ? new SGD(adapters.trainables(), { momentum: train.momentum, weightDecay })
    : new AdamW(adapters.trainables(), { betas: train.betas, eps: train.eps, weightDecay });
}
