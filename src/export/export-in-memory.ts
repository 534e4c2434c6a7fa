import { join } from "node:path";
import { linearLayers } from "../adapters/core/targets.ts";
import type { AdapterSet } from "../adapters/index.ts";
import { loadBaseModel } from "../assemble/load-base-model.ts";
import type { OpenModel } from "../assemble/open-model.ts";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { locateModel } from "../model-files/locate-model.ts";
import { saveModel } from "../models/index.ts";
import {
  type CausalLM,
  deviceOf,
  isClassifier,
  quantisedWeights,
  requireModel,
  type TrainableModel,
} from "../nn/index.ts";
import { requireEmpty, writeFolderAtomic } from "../util/atomic-folder.ts";
import { ScaloraError } from "../util/errors.ts";
import type { Interruptible } from "../util/interruptible.ts";
import { outputPath } from "../util/output-path.ts";
import { requireAwaited } from "../util/require-awaited.ts";
import { exportMerged, type FolderDType } from "./export-merged.ts";
import type { ExportRequest, ExportResult } from "./export-request.ts";
import { type ExportDTypeName, requireExportDType } from "./gguf-file-types.ts";
import { exportOpened } from "./run-export.ts";

/** What every export of a model in memory asks for. */
export interface ExportOptions extends Partial<Interruptible> {
  /** The folder or file to write; nothing may be there. */
  readonly out: string;
  /** Folder, GGUF file or name of the model before training; default: what it was loaded from (`model.path`). */
  readonly baseFolder?: string;
}

/** Options of `exportWithBase`. */
export type ExportWithBaseOptions = Pick<ExportOptions, "out" | "baseFolder">;

/** Options of `mergeAndSave`. */
export interface MergeAndSaveOptions extends Pick<ExportOptions, "baseFolder"> {
  /** The output folder; it must be empty or absent. */
  readonly out: string;
  /** Data type of the files; default: that of the base model's config. */
  readonly dtype?: FolderDType;
}

/** Options of `exportGguf`. */
export interface ExportGgufOptions extends ExportOptions {
  /** Of the matrices; default: that of the base model's config (bfloat16, or else float32). */
  readonly dtype?: ExportDTypeName;
  /** An importance matrix in llama.cpp's GGUF format, by which the rounding errors of a quantised file are weighed. */
  readonly imatrix?: string;
  /** The system message that the model was trained with, for the programs that are written with the file (docs/gguf.md). */
  readonly systemPrompt?: string;
}

/** Options of `exportSvd`: either a rank or a fraction of the energy. */
export interface ExportSvdOptions extends ExportOptions {
  /** Rank of each layer's factors. */
  readonly rank?: number;
  /** Fraction of the squared Frobenius norm to keep, in (0, 1]: each layer gets the rank that this needs. */
  readonly energy?: number;
  /** `folder` (default): for PEFT; `gguf`: one file for llama.cpp and tools built on it. */
  readonly format?: "folder" | "gguf";
}

/**
 * Merges the adapters and saves the model as a Hugging Face folder for any tool. The model in memory keeps its adapters; an
 * adapted layer with tied weights is saved untied.
 * @param given options, or the folder to write
 * @returns `drift`: the relative Frobenius error of rounding to bfloat16, over all matrices
 * @throws ScaloraError `usage` when the folder is not empty, `run` when it cannot be written
 */
export function mergeAndSave(
  model: TrainableModel,
  adapters: AdapterSet,
  given: string | MergeAndSaveOptions,
): { drift?: number } {
  const { baseFolder, out, dtype }: MergeAndSaveOptions = typeof given === "string" ? { out: given } : given;
  const source = { model, adapters, baseFolder: baseOf(model, adapters, baseFolder) };
  return exportMerged(source, outputPath(out), dtype);
}

/**
 * Writes a model in memory, its adapters merged, as a GGUF file for llama.cpp and the tools built on it: the file that
 * `scalora export --format gguf` makes of the same weights. The model keeps its adapters.
 * @param adapters what `attach()` returned; undefined for a model without any
 * @param given options, or the file to write
 * @returns the file's size, and the relative Frobenius error of rounding (`drift`)
 * @throws ScaloraError `usage` where something is there already, or for a model that GGUF cannot represent
 */
export async function exportGguf(
  model: CausalLM,
  adapters: AdapterSet | undefined,
  given: string | ExportGgufOptions,
): Promise<ExportResult> {
  const {
    dtype: name,
    imatrix,
    systemPrompt,
    ...options
  }: ExportGgufOptions = typeof given === "string" ? { out: given } : given;
  const dtype = name && requireExportDType(name);
  const request = { kind: "merged", format: "gguf", dtype, imatrix, systemPrompt } as const;
  return exportInMemory(model, adapters, request, options);
}

/**
 * Writes what training has changed, ScaLoRA's changes of the base included, as an ordinary LoRA adapter: a truncated singular
 * value decomposition of each layer's change, by which the base model is loaded once more.
 * @returns the largest rank, and the fraction of the change's energy that is kept
 * @throws ScaloraError `usage` where something is there already, or no layer has changed
 */
export async function exportSvd(
  model: TrainableModel,
  adapters: AdapterSet,
  { rank, energy, format, ...options }: ExportSvdOptions,
): Promise<ExportResult> {
  return exportInMemory(model, adapters, { kind: "svd", format, rank, energy }, options);
}

/**
 * Saves an adapter together with the base that it belongs to: a PEFT folder `adapter` of the factors as trained, and the model
 * folder `base` that they go on. Of methods that change the base as they train (ScaLoRA, ReLoRA, Flora) it is the base as it is
 * now, in float32; of others, the model before training.
 * @param given options, or the folder to write
 * @throws ScaloraError `usage` where something is there already, or for a method whose adapters no other tool reads
 */
export async function exportWithBase(
  model: TrainableModel,
  adapters: AdapterSet,
  given: string | ExportWithBaseOptions,
): Promise<{ base: string; adapter: string }> {
  const { out, baseFolder: named }: ExportWithBaseOptions =
    typeof given === "string" ? { out: given } : given;
  const baseFolder = baseOf(model, adapters, named);
  const folder = outputPath(out);
  requireEmpty(folder);
  const paths = { base: join(folder, "base"), adapter: join(folder, "adapter") };
  const { changedBase } = adapters;
  const original = changedBase ? undefined : await loadOriginal(model, baseFolder);
  try {
    writeFolderAtomic(folder, (temporary) => {
      (changedBase ?? adapters).saveAdapter(join(temporary, "adapter"), paths.base);
      const base = join(temporary, "base");
      if (original) saveModel(original, baseFolder, base);
      else saveChangedBase(model, adapters, baseFolder, base);
    });
  } finally {
    original?.dispose();
  }
  return paths;
}

function saveChangedBase(model: TrainableModel, adapters: AdapterSet, baseFolder: string, out: string): void {
  const changed = new Map(adapters.adaptedPaths().map((path) => [`${path}.weight`, path]));
  const replace = (name: string) => {
    const path = changed.get(name);
    return path === undefined ? undefined : adapters.changedBase?.weight(path);
  };
  saveModel(model, baseFolder, out, { dtype: "float32", replace });
}

/** As the command line's exports, but of a model that stays its owner's. */
async function exportInMemory(
  model: TrainableModel,
  adapters: AdapterSet | undefined,
  request: Pick<ExportRequest, "kind" | "format" | "dtype" | "imatrix" | "rank" | "energy" | "systemPrompt">,
  { out: wanted, baseFolder: given, signal }: ExportOptions,
): Promise<ExportResult> {
  const out = outputPath(wanted);
  const baseFolder = baseOf(model, adapters, given);
  const open: OpenModel = {
    model,
    adapters,
    baseFolder,
    tokenizer: await loadTokenizer(baseFolder),
    recipe: undefined,
    checkpoint: undefined,
    loadOriginal: () => loadOriginal(model, baseFolder),
    dispose: () => {},
    [Symbol.dispose]: () => {},
  };
  const target = { path: baseFolder };
  const whole = { ...request, target, out };
  const { heldOutLoss: _, ...result } = await exportOpened(whole, open, { ...(signal && { signal }) });
  return result;
}

/** The folder or file of the base model. @throws ScaloraError `usage` where it is not known, or for adapters of another model */
function baseOf(model: TrainableModel, adapters: AdapterSet | undefined, baseFolder = model.path): string {
  requireAwaited({ model, adapters });
  requireModel(model);
  requireAttached(model, adapters);
  if (baseFolder !== undefined) return locateModel(baseFolder);
  throw new ScaloraError("usage", "It is not known which folder or file the model came from", {
    expected: "baseFolder, since this model was not loaded from one",
    fix: "name the folder that has the model's config and tokenizer",
  });
}

/** The model as it was before training. */
function loadOriginal(model: TrainableModel, path: string): Promise<TrainableModel> {
  const dtype = model.info.dtype === "bfloat16" ? "bfloat16" : "float32";
  const quantization = quantisedWeights(model).length > 0 ? "nf4" : "none";
  const labels = isClassifier(model) ? { labels: headLabels(model.info) } : {};
  return loadBaseModel({ path, dtype, device: deviceOf(model), quantization, ...labels }, 0);
}

const headLabels = ({ labels, regression }: { labels: readonly string[]; regression: boolean }) =>
  regression ? 1 : [...labels];

function requireAttached(model: TrainableModel, adapters: AdapterSet | undefined): void {
  const adapted = [...linearLayers(model)].find(([, linear]) => linear.adapter !== undefined);
  if (adapters === undefined) {
    if (adapted === undefined) return;
    throw new ScaloraError("usage", "The model has adapters, which the export would leave out", {
      where: adapted[0],
      fix: "give the adapter set that attach() returned, or dispose() it first",
    });
  }
  if (adapters.trainsBase) return;
  const layers = new Map(linearLayers(model));
  const bare = adapters.adaptedPaths().find((path) => layers.get(path)?.adapter === undefined);
  if (bare === undefined) return;
  throw new ScaloraError("usage", "These adapters are not on this model", {
    where: bare,
    expected: "the adapter set that attach(model, …) returned",
    found: "a layer without an adapter: the set is another model's, or was disposed",
  });
}
