import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { AdapterSet } from "../adapters/index.ts";
import { loadBaseModel } from "../assemble/load-base-model.ts";
import { resolveModelConfig } from "../assemble/model-config.ts";
import { type OpenModel, openModel } from "../assemble/open-model.ts";
import { usedCheckpoint } from "../assemble/used-checkpoint.ts";
import { describeModelForGguf } from "../models/index.ts";
import { deviceOf, isClassifier, quantisedWeights } from "../nn/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { LoadingTask } from "../util/interruptible.ts";
import { adapterToGguf } from "./adapter-to-gguf.ts";
import { type CheckedRequest, checkRequest } from "./check-request.ts";
import { compareHeldOut } from "./compare-held-out-loss.ts";
import { exportGgufModel } from "./export-gguf-model.ts";
import { exportMerged, type FolderDType, requireLlamaTokenizer } from "./export-merged.ts";
import type { ExportRequest, ExportResult, RunExport } from "./export-request.ts";
import { exportSvdAdapter } from "./export-svd-adapter.ts";
import { folderBytes } from "./folder-size.ts";
import { withChatFiles } from "./with-chat-files.ts";

/** Exports a trained model or adapter as a folder or a GGUF file for other tools. */
export const runExport: RunExport = async (request, hooks) => {
  const checked = checkRequest(request);
  using open = await openModel(checked.target);
  return await exportChecked(checked, open, hooks);
};

/** `runExport` of a model that is open already. */
export async function exportOpened(
  request: ExportRequest,
  open: OpenModel,
  hooks?: Partial<LoadingTask>,
): Promise<ExportResult> {
  return await exportChecked(checkRequest(request), open, hooks);
}

async function exportChecked(
  request: CheckedRequest,
  open: OpenModel,
  { signal = new AbortController().signal, onLoaded }: Partial<LoadingTask> = {},
): Promise<ExportResult> {
  // While the model is loaded nobody hears of an abort.
  await setImmediate();
  signal.throwIfAborted();
  onLoaded?.();
  const { out, kind } = request;
  const base = quantisedWeights(open.model).length > 0 ? { base: "nf4" as const } : {};
  const writing = () => write(request, open, signal);
  const isGguf = request.format === "gguf" && !isClassifier(open.model);
  const facts = await (isGguf ? withChatFiles(request, open, writing) : writing());
  return { out, kind, bytes: storedBytes(out), checkpoint: usedCheckpoint(open), ...base, ...facts };
}

type Facts = Omit<ExportResult, "out" | "kind" | "bytes" | "checkpoint" | "base">;

async function write(request: CheckedRequest, open: OpenModel, signal: AbortSignal): Promise<Facts> {
  if (request.format === "gguf" && isClassifier(open.model))
    throw new ScaloraError("usage", "Only decoders can be exported as GGUF files", {
      where: open.baseFolder,
      found: `${open.model.info.family}, a classifier`,
      fix: "export it as a folder: omit --format; in a program save() instead of export()",
    });
  if (request.kind === "merged") return exportMergedModel(open, request, signal);
  if (request.format === "gguf") return exportGgufAdapter(request, open, signal);
  return exportAdapter(request, open, signal);
}

async function exportAdapter(request: CheckedRequest, open: OpenModel, signal: AbortSignal): Promise<Facts> {
  const adapters = requireAdapters(open);
  if (request.kind === "svd") return exportSvdAdapter({ ...open, adapters }, request.out, request, signal);
  adapters.saveAdapter(request.out, open.baseFolder);
  return {};
}

/** Converts an exported adapter folder, so that both formats hold the same values. */
async function exportGgufAdapter(
  request: CheckedRequest,
  open: OpenModel,
  signal: AbortSignal,
): Promise<Facts> {
  const description = describeModelForGguf(open.baseFolder);
  requireLlamaTokenizer(open.baseFolder);
  const scratch = mkdtempSync(join(tmpdir(), "scalora-export-"));
  try {
    const folder = join(scratch, "adapter");
    const facts = await exportAdapter({ ...request, out: folder }, open, signal);
    adapterToGguf(folder, request.out, description);
    return facts;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Exports a merged model; when its weights are rounded, also measures the held-out loss. */
async function exportMergedModel(
  open: OpenModel,
  request: CheckedRequest,
  signal: AbortSignal,
): Promise<Facts> {
  const { out, format, dtype } = request;
  const facts: Facts =
    format === "gguf"
      ? await exportGgufModel(open, request, signal)
      : exportMerged(open, out, folderDType(dtype));
  if (facts.drift === undefined || open.recipe === undefined) return facts;
  const { model, recipe } = open;
  const computed = model.info.dtype === "bfloat16" ? "bfloat16" : "float32";
  const config = {
    ...resolveModelConfig(recipe),
    path: out,
    dtype: computed,
    device: deviceOf(model),
    quantization: "none",
  } as const;
  const openExported = async () => {
    const rounded = await loadBaseModel(config, recipe.train.seed);
    return { model: rounded, [Symbol.dispose]: () => rounded.dispose() };
  };
  return { ...facts, heldOutLoss: await compareHeldOut(open, openExported, signal) };
}

/** @throws ScaloraError `usage` for a dtype that only GGUF files support */
function folderDType(dtype: ExportRequest["dtype"]): FolderDType | undefined {
  if (dtype === undefined || dtype === "float32" || dtype === "bfloat16") return dtype;
  throw new ScaloraError("usage", "A folder cannot be exported in this precision", {
    expected: "float32 or bfloat16",
    found: dtype,
    fix: "export it as a GGUF file, or choose another precision",
  });
}

function requireAdapters({ adapters, baseFolder }: OpenModel): AdapterSet {
  if (adapters) return adapters;
  throw new ScaloraError("usage", "There is no adapter to export: this is a model folder", {
    where: baseFolder,
    fix: "give a run's folder, or the model folder with an adapter (--adapter)",
  });
}

function storedBytes(path: string): number {
  const stats = statSync(path);
  return stats.isFile() ? stats.size : folderBytes(path);
}
