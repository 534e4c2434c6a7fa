import type { ModelConfig } from "../config/index.ts";
import { launchOrAlone } from "../distributed/read-launch.ts";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { readModelConfig } from "../model-files/model-config.ts";
import { isClassifierConfig, type LoadOptions, loadClassifier, loadModel } from "../models/index.ts";
import { deviceOf, type TrainableModel } from "../nn/index.ts";
import { checkVocabulary, type Tokenizer } from "../tokenizer/index.ts";
import {
  chooseGemmBackend,
  cudaDevices,
  type GemmBackend,
  type GemmChoice,
  requireGemmBackend,
} from "../torch/index.ts";
import { disposeOnError } from "../util/dispose-on-error.ts";
import { ScaloraError } from "../util/errors.ts";
import { chooseDevice } from "./choose-device.ts";

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

/**
 * The device that a recipe's `model.device` means in this process.
 * @throws ScaloraError `config` when there is no such GPU
 */
export const deviceHere = (wanted: string): string =>
  chooseDevice(wanted, { devices: cudaDevices(), localRank: launchOrAlone(process.env).localRank });

/** Loads the model only, without tokenizer. */
export async function loadBaseModel(
  { path, dtype, device, quantization, hugePages, shards, labels, headDropout }: ModelToLoad,
  seed: number,
  modelConfig = readModelConfig(path),
): Promise<TrainableModel> {
  const options = { dtype: computeDType(dtype), device: deviceHere(device), quantization, shards };
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
