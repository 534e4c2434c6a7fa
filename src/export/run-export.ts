import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { AdapterSet } from "../adapters/index.ts";
import { resolveModelConfig } from "../assemble/glue-labels-and-metrics.ts";
import { loadBaseModel } from "../assemble/load-base-model.ts";
import { type OpenModel, openModel } from "../assemble/open-model.ts";
import { usedCheckpoint } from "../assemble/used-checkpoint.ts";
import { describeModelForGguf } from "../models/index.ts";
import { deviceOf, isClassifier, quantisedWeights } from "../nn/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { Interruptible } from "../util/interruptible.ts";
import { isWithinLimits, limitsText } from "../util/number-limits.ts";
import { adapterToGguf } from "./adapter-to-gguf.ts";
import { compareHeldOut } from "./compare-held-out-loss.ts";
import { exportGgufModel } from "./export-gguf-model.ts";
import { exportMerged, type FolderDType, requireLlamaTokenizer } from "./export-merged.ts";
import type { ExportRequest, ExportResult, RunExport } from "./export-request.ts";
import { exportSvdAdapter } from "./export-svd-adapter.ts";
import { folderBytes } from "./folder-size.ts";
import { isQuantisedDType, requireExportDType } from "./gguf-file-types.ts";
import { withChatFiles } from "./with-chat-files.ts";

/** Exports a trained model or adapter as a folder or a GGUF file for other tools. */
export const runExport: RunExport = async (request, hooks) => {
  checkRequest(request);
  using open = await openModel(request.target);
  return await exportOpened(request, open, hooks);
};

/** `runExport` of a model that is open already. */
export async function exportOpened(
  asked: ExportRequest,
  open: OpenModel,
  { signal = new AbortController().signal }: Partial<Interruptible> = {},
): Promise<ExportResult> {
  checkRequest(asked);
  const { out, kind, dtype } = asked;
  const request = { ...asked, dtype: dtype && requireExportDType(dtype) };
  const base = quantisedWeights(open.model).length > 0 ? { base: "nf4" as const } : {};
  const writing = () => write(request, open, signal);
  const isGguf = request.format === "gguf" && !isClassifier(open.model);
  const facts = await (isGguf ? withChatFiles(request, open, writing) : writing());
  return { out, kind, bytes: storedBytes(out), checkpoint: usedCheckpoint(open), ...base, ...facts };
}

type Facts = Omit<ExportResult, "out" | "kind" | "bytes" | "checkpoint" | "base">;

async function write(request: ExportRequest, open: OpenModel, signal: AbortSignal): Promise<Facts> {
  if (request.format === "gguf" && isClassifier(open.model))
    throw new ScaloraError("usage", "Only decoders can be exported as GGUF files", {
      where: open.baseFolder,
      found: `${open.model.info.family}, a classifier`,
      fix: "export it as a folder: omit --format",
    });
  if (request.kind === "merged") return exportMergedModel(open, request, signal);
  if (request.format === "gguf") return exportGgufAdapter(request, open, signal);
  return exportAdapter(request, open, signal);
}

async function exportAdapter(request: ExportRequest, open: OpenModel, signal: AbortSignal): Promise<Facts> {
  const adapters = requireAdapters(open);
  if (request.kind === "svd") return exportSvdAdapter({ ...open, adapters }, request.out, request, signal);
  adapters.saveAdapter(request.out, open.baseFolder);
  return {};
}

/** Converts an exported adapter folder, so that both formats hold the same values. */
async function exportGgufAdapter(
  request: ExportRequest,
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
  request: ExportRequest,
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

function checkRequest({ out, kind, dtype, imatrix, rank, energy }: ExportRequest): void {
  if (dtype !== undefined) requireExportDType(dtype);
  if (typeof imatrix === "string" && !existsSync(imatrix))
    throw new ScaloraError("usage", "There is no such importance matrix", {
      where: resolve(imatrix),
      expected: "a GGUF file, as llama-imatrix and scalora write",
      found: "nothing",
      fix: "mend the path; `--imatrix` without a file computes one on the run's training rows",
    });
  if (imatrix !== undefined && (kind !== "merged" || dtype === undefined || !isQuantisedDType(dtype)))
    throw new ScaloraError("usage", "An importance matrix needs a merged model in a quantised file", {
      where: "imatrix",
      expected: "a dtype such as q4_k_m",
      found: kind === "merged" ? (dtype ?? "no dtype") : `a LoRA adapter (${kind})`,
    });
  if (existsSync(out)) {
    throw new ScaloraError("usage", "The output already exists", {
      where: out,
      expected: "a folder or file that does not exist",
      fix: "choose another one, or remove it",
    });
  }
  if (kind !== "svd") return;
  if ((rank === undefined) === (energy === undefined))
    throw new ScaloraError("usage", "An svd export needs either a rank or a fraction of the energy", {
      fix: "rank: 16, for example",
    });
  const limits = rank === undefined ? { above: 0, most: 1 } : { whole: true, least: 1 };
  if (isWithinLimits(rank ?? energy, limits)) return;
  throw new ScaloraError(
    "usage",
    `The ${rank === undefined ? "energy" : "rank"} of the svd export is out of range`,
    {
      expected: limitsText(limits),
      found: String(rank ?? energy),
    },
  );
}

function requireAdapters({ adapters, baseFolder }: OpenModel): AdapterSet {
  if (adapters) return adapters;
  throw new ScaloraError("usage", "There is no adapter to export: this is a model folder", {
    where: baseFolder,
    fix: "give a run's folder, or the model folder with --adapter",
  });
}

function storedBytes(path: string): number {
  const stats = statSync(path);
  return stats.isFile() ? stats.size : folderBytes(path);
}
