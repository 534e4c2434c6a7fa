import type { ModelConfig } from "../config/index.ts";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { readModelConfig } from "../model-files/model-config.ts";
import { isClassifierConfig, type LoadOptions, loadClassifier, loadModel } from "../models/index.ts";
import { deviceOf, type TrainableModel } from "../nn/index.ts";
import { checkVocabulary, type Tokenizer } from "../tokenizer/index.ts";
import {
  chooseGemmBackend,
  type GemmBackend,
  type GemmChoice,
  hasCuda,
  requireGemmBackend,
} from "../torch/index.ts";
import { disposeOnError } from "../util/dispose-on-error.ts";
import { ScaloraError } from "../util/errors.ts";

/** As a recipe says it; for inference, in Q8_0 as well, which cannot be trained on, and in huge pages; or shared out. */
export type ModelToLoad = Omit<ModelConfig, "quantization"> &
  Pick<LoadOptions, "quantization" | "hugePages" | "shards">;

/** A loaded base model with its tokenizer and compute settings. */
export interface LoadedModel {
  readonly model: TrainableModel;
  readonly tokenizer: Tokenizer;
  /** Backend of float32 matrix products; "aten" when there is no choice. */
  readonly gemmBackend: GemmBackend;
  /** The machine was too busy to measure which backend is the faster; another process may use another. */
  readonly isBackendUnsure: boolean;
}

/**
 * Loads a model folder with its tokenizer and chooses the kernels. An encoder is loaded as a classifier.
 * @param seed for the random initialisation of a head that the folder does not hold
 * @param recordedBackend the GEMM backend that an earlier process of the same run has used
 * @param modelConfig of the folder, where it has been read already
 * @throws ScaloraError `model` or `format` for an unusable folder, `config` for a missing device
 */
export async function loadModelAndTokenizer(
  config: ModelToLoad,
  seed: number,
  recordedBackend?: GemmBackend,
  modelConfig = readModelConfig(config.path),
): Promise<LoadedModel> {
  const { path } = config;
  const tokenizer = await loadTokenizer(path);
  const model = await loadBaseModel(config, seed, modelConfig);
  disposeOnError([model], () => checkVocabulary(tokenizer, model.info.vocabSize, path));
  const { chosen, by }: BackendChoice = disposeOnError([model], () =>
    deviceOf(model) === "cpu" ? chooseBackend(config, recordedBackend) : { chosen: "aten" },
  );
  return { model, tokenizer, gemmBackend: chosen, isBackendUnsure: by === "unsure" };
}

/** `by` where this process chose. */
type BackendChoice = Pick<GemmChoice, "chosen"> & Partial<Pick<GemmChoice, "by">>;

function chooseBackend({ gemmBackend }: ModelToLoad, recorded: GemmBackend | undefined): BackendChoice {
  const wanted = recorded ?? gemmBackend;
  if (wanted === undefined) return chooseGemmBackend();
  requireGemmBackend(wanted, recorded === undefined ? "model.gemmBackend" : "the run's record");
  return { chosen: wanted };
}

/** Loads the model only, without tokenizer. */
export async function loadBaseModel(
  { path, dtype, device, quantization, hugePages, shards, labels, headDropout }: ModelToLoad,
  seed: number,
  modelConfig = readModelConfig(path),
): Promise<TrainableModel> {
  const options = { dtype: computeDType(dtype), device: chooseDevice(device), quantization, shards };
  if (shards) requireCpu(options.device);
  if (isClassifierConfig(modelConfig)) {
    const head = {
      ...(labels !== undefined && { labels }),
      ...(headDropout !== undefined && { headDropout }),
    };
    return loadClassifier(path, { ...options, ...head, seed }, modelConfig);
  }
  refuseHeadKeys({ path, labels, headDropout });
  return loadModel(path, { ...options, hugePages }, modelConfig);
}

/** @throws ScaloraError `config` when keys of a classifier are set for a language model */
export function refuseHeadKeys({
  path,
  labels,
  headDropout,
}: Pick<ModelConfig, "path" | "labels" | "headDropout">): void {
  if (labels === undefined && headDropout === undefined) return;
  const key = labels === undefined ? "model.headDropout" : "model.labels";
  throw new ScaloraError("config", `Only encoders have ${labels === undefined ? "a head" : "labels"}`, {
    where: key,
    found: `${path}, a language model`,
    fix: `remove ${key}`,
  });
}

/** `auto` is float32 as long as bfloat16 is not measured to be faster and equally good (docs/decisions.md). */
export function computeDType(dtype: ModelConfig["dtype"]): "float32" | "bfloat16" {
  return dtype === "auto" ? "float32" : dtype;
}

/** The ranks exchange slices of weights by collectives of the CPU. */
function requireCpu(device: string): void {
  if (device === "cpu") return;
  throw new ScaloraError("config", "Weights are shared out between processes on the CPU only", {
    where: "train.shardBase",
    found: `model.device: ${device}`,
    fix: "use model.device: cpu, or leave train.shardBase out",
  });
}

function chooseDevice(wanted: string): string {
  if (wanted === "auto") return hasCuda() ? "cuda:0" : "cpu";
  if (wanted.startsWith("cuda") && !hasCuda()) {
    throw new ScaloraError("config", "No CUDA device is available", {
      where: "model.device",
      found: wanted,
      fix: "use model.device: cpu, or run `npx scalora doctor` to see what was found",
    });
  }
  return wanted;
}
