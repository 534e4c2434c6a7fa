import { basename } from "node:path";
import { linearAt } from "../adapters/core/targets.ts";
import { untieWeight } from "../adapters/core/untie-weight.ts";
import type { AdapterSet } from "../adapters/index.ts";
import type { OpenModel } from "../assemble/open-model.ts";
import { isGgufFile, writeGgufModel } from "../gguf/index.ts";
import { unsupportedTokenizerError } from "../gguf/parse-tokenizer-json.ts";
import type { Imatrix } from "../gguf/quantise/imatrix.ts";
import { readTokenizerSource } from "../model-files/load-tokenizer.ts";
import { readModelConfig } from "../model-files/model-config.ts";
import { readEosTokenIds } from "../model-files/read-eos-token-ids.ts";
import { describeModelForGguf, parametersToSave, saveModel } from "../models/index.ts";
import { isClassifier, Linear, type TrainableModel } from "../nn/index.ts";
import { scope, type Tensor, toDType } from "../torch/index.ts";
import { toPlainValue } from "../util/strict-json.ts";
import { checkMerge } from "./check-merge.ts";
import type { ExportResult } from "./export-request.ts";
import { type ExportDType, ggufFileTypes } from "./gguf-file-types.ts";
import { RoundingError } from "./rounding-error.ts";

/** Data types of a folder's weights. */
export type FolderDType = "float32" | "bfloat16";

/**
 * Writes a model folder with the merged (effective) weights.
 * @param dtype of the files; default: that of the base model's config (bfloat16, or else float32)
 * @returns the relative Frobenius error of rounding to `dtype`, over all matrices; absent for float32
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

/** Options of `exportGguf`. */
interface GgufOptions {
  /** Of the matrices; default: that of the base model's config (bfloat16, or else float32). */
  readonly dtype?: ExportDType | undefined;
  readonly imatrix?: Imatrix | undefined;
  /** The token with which the chat template ends an answer. */
  readonly endOfTurnId?: number | undefined;
}

/**
 * Writes a GGUF file with the merged (effective) weights and the base model's tokenizer and chat template.
 * @returns `drift`: the relative Frobenius error of rounding, over all matrices; absent for float32
 * @throws ScaloraError `usage` for a model or tokenizer that GGUF cannot represent, `model` for a weight that is not finite
 */
export function exportGguf(
  open: Pick<OpenModel, "model" | "adapters" | "baseFolder">,
  out: string,
  { dtype = storedDType(open.baseFolder), imatrix, endOfTurnId }: GgufOptions = {},
): Pick<ExportResult, "drift" | "tensorTypes" | "fallbacks"> {
  const { model, baseFolder } = open;
  requireLlamaTokenizer(baseFolder);
  const parameters = parametersToSave(model, effectiveWeights(open));
  const description = describeModelForGguf(baseFolder, isTied(model));
  const title = basename(out, ".gguf");
  const tokenizer = { ...tokenizerOf(baseFolder), endOfTurnId };
  const rounding = new RoundingError();
  const { types, fallbacks } = writeGgufModel(
    out,
    { description, tokenizer, title, fileType: ggufFileTypes[dtype], parameters, imatrix },
    dtype === "float32" ? undefined : (exact, stored) => rounding.add(exact, stored),
  );
  const tensorTypes: Record<string, number> = {};
  for (const { name } of types.values()) tensorTypes[name] = (tensorTypes[name] ?? 0) + 1;
  return { ...(dtype !== "float32" && { drift: rounding.relative }), tensorTypes, fallbacks };
}

/**
 * Comes before a model's own file is made, and before an adapter's, which is used with one of its model that llama.cpp's converter
 * can make too.
 * @throws ScaloraError `usage` for a tokenizer that llama.cpp does not have, so that nobody can make one
 */
export function requireLlamaTokenizer(baseFolder: string): void {
  if (isGgufFile(baseFolder) || readTokenizerSource(baseFolder).spec.model["type"] !== "WordLevel") return;
  throw unsupportedTokenizerError(
    baseFolder,
    "one of whole words (WordLevel), which llama.cpp does not have",
  );
}

const tokenizerOf = (baseFolder: string) => ({
  where: baseFolder,
  ...readTokenizerSource(baseFolder),
  eosTokenIds: readEosTokenIds(baseFolder),
});

/** The relative Frobenius error of rounding, over all matrices. */
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

const isTied = (model: TrainableModel) => (isClassifier(model) ? {} : { tied: model.info.tiedEmbeddings });

/** Maps a parameter's name to the tensor to save instead: the merged weight of an adapted layer. */
function effectiveWeights({
  model,
  adapters,
}: Pick<OpenModel, "model" | "adapters">): (name: string) => Tensor | undefined {
  if (adapters && !adapters.trainsBase) untieAdapted(model, adapters);
  const adapted = new Map(adapters?.adaptedPaths().map((path) => [`${path}.weight`, path]));
  return (name) => {
    const path = adapted.get(name);
    return path === undefined || !adapters ? undefined : checkedWeight(model, adapters, path);
  };
}

/** The merged weight of an adapted layer, once it is known to compute what the layer computes. */
function checkedWeight(model: TrainableModel, adapters: AdapterSet, path: string): Tensor {
  const merged = adapters.mergedWeight(path);
  if (!adapters.trainsBase) checkMerge(adapters.method, path, linearAt(model, path), merged);
  return merged;
}

/** Unties the weights of adapted layers: the change belongs to only one of the modules that share a weight. */
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
