import { basename } from "node:path";
import { untieWeight } from "../adapters/core/untie.ts";
import type { AdapterSet } from "../adapters/index.ts";
import type { OpenModel } from "../assemble/open-model.ts";
import { roundToStoredType, type WritableType, writeGgufModel } from "../gguf/export.ts";
import { readEosTokenIds } from "../model-files/eos-tokens.ts";
import { readTokenizerSource } from "../model-files/load-tokenizer.ts";
import { readModelConfig } from "../model-files/model-folder.ts";
import { describeModelForGguf, parametersToSave, saveModel } from "../models/index.ts";
import { isClassifier, Linear, type TrainableModel } from "../nn/index.ts";
import { scope, type Tensor, toDType } from "../torch/index.ts";
import { toPlainValue } from "../util/strict-json.ts";
import { RoundingError } from "./rounding-error.ts";
import type { ExportRequest } from "./types.ts";

/** What the weights of a folder can be saved in. */
export type FolderDType = "float32" | "bfloat16";

/**
 * Writes a model folder whose weights are the effective ones.
 * @param dtype of the files; by default what the base model's config names (bfloat16, else float32)
 * @returns how far the rounding to `dtype` takes all weights together, relative; absent in float32
 */
export function exportMerged(
  open: Pick<OpenModel, "model" | "adapters" | "baseFolder">,
  out: string,
  dtype: FolderDType = storedDType(open.baseFolder),
): { drift?: number } {
  const { model, baseFolder } = open;
  const replace = effectiveWeights(open);
  const drift =
    dtype === "float32"
      ? {}
      : measureRounding(parametersToSave(model, replace), (exact) => toDType(exact, dtype));
  saveModel(model, baseFolder, out, { dtype, replace });
  return drift;
}

/**
 * Writes a GGUF file whose weights are the effective ones, with the base's tokenizer and chat template.
 * @param dtype of the matrices; by default what the base model's config names (bfloat16, else float32)
 * @returns how far rounding takes all weights together, relative; absent in float32
 * @throws ScaloraError `usage` for a model or tokenizer that the format cannot hold
 */
export function exportGguf(
  open: Pick<OpenModel, "model" | "adapters" | "baseFolder">,
  out: string,
  dtype: ExportDType = storedDType(open.baseFolder),
): { drift?: number } {
  const { model, baseFolder } = open;
  const parameters = parametersToSave(model, effectiveWeights(open));
  const description = describeModelForGguf(baseFolder, isTied(model));
  const type = ggufTypes[dtype];
  const drift = type === "F32" ? {} : measureRounding(parameters, (exact) => roundToStoredType(exact, type));
  const title = basename(out, ".gguf");
  writeGgufModel(out, { description, tokenizer: tokenizerOf(baseFolder), title, type, parameters });
  return drift;
}

const tokenizerOf = (baseFolder: string) => ({
  where: baseFolder,
  ...readTokenizerSource(baseFolder),
  eosTokenIds: readEosTokenIds(baseFolder),
});

/** How far rounding takes all parameters together, relative. */
function measureRounding(
  parameters: Iterable<{ load(): Tensor }>,
  rounded: (exact: Tensor) => Tensor,
): { drift: number } {
  const drift = new RoundingError();
  for (const { load } of parameters)
    scope(() => {
      const exact = load();
      drift.add(exact, rounded(exact));
    });
  return { drift: drift.relative };
}

type ExportDType = NonNullable<ExportRequest["dtype"]>;

const ggufTypes: Readonly<Record<ExportDType, WritableType>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  q8_0: "Q8_0",
};

const isTied = (model: TrainableModel) => (isClassifier(model) ? {} : { tied: model.info.tiedEmbeddings });

/** What stands in files in place of a parameter: the merged weight of an adapted layer. */
function effectiveWeights({
  model,
  adapters,
}: Pick<OpenModel, "model" | "adapters">): (name: string) => Tensor | undefined {
  if (adapters && !adapters.trainsBase) untieAdapted(model, adapters);
  const adapted = new Map(adapters?.adaptedPaths().map((path) => [`${path}.weight`, path]));
  return (name) => {
    const path = adapted.get(name);
    return path === undefined ? undefined : adapters?.mergedWeight(path);
  };
}

/** What a merged model is saved from and as. */
export interface MergeAndSaveOptions {
  /** The folder or GGUF file that the model was loaded from: its config and tokenizer files are copied. */
  readonly baseFolder: string;
  /** The folder to make; it must be empty or absent. */
  readonly out: string;
  /** Of the files; by default what the base's config names. */
  readonly dtype?: "float32" | "bfloat16";
}

/**
 * Writes a trained model as a Hugging Face folder with its effective weights, for any tool to load. The model in memory keeps
 * its adapters; a weight that an adapted layer shares is saved as one of its own.
 * @returns `drift`: how far rounding to bfloat16 takes all weights together, relative
 */
export function mergeAndSave(
  model: TrainableModel,
  adapters: AdapterSet,
  { baseFolder, out, dtype }: MergeAndSaveOptions,
): { drift?: number } {
  return exportMerged({ model, adapters, baseFolder }, out, dtype);
}

/** A frozen weight that two modules share can only be changed for one of them once it has its own. */
function untieAdapted(model: OpenModel["model"], adapters: AdapterSet): void {
  const adapted = new Set(adapters.adaptedPaths());
  for (const [path, module] of model.namedModules())
    if (module instanceof Linear && adapted.has(path)) untieWeight(model, path, module, "untie");
}

function storedDType(folder: string): FolderDType {
  const config = readModelConfig(folder);
  const name = config.get("dtype") ?? config.get("torch_dtype");
  return name !== undefined && toPlainValue(name) === "bfloat16" ? "bfloat16" : "float32";
}
