import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { AdapterSet } from "../adapters/index.js";
import { ScaloraError } from "../util/errors.js";
import type { ExportRequest, ExportResult, RunExport } from "./api.js";
import { deviceOf, loadTrained } from "./build.js";
import { exportMerged } from "./export-merged.js";
import { exportChange } from "./export-svd.js";
import { modelOf } from "./glue.js";
import { compareHeldOut } from "./held-out.js";
import { type OpenModel, openModel } from "./open-model.js";

/** Writes what was learnt as a folder that other tools load. */
export const runExport: RunExport = async (request, { signal }) => {
  checkRequest(request);
  const open = await openModel(request.target);
  try {
    const facts = await write(request, open, signal);
    return { out: request.out, kind: request.kind, bytes: folderBytes(request.out), ...facts };
  } finally {
    open.dispose();
  }
};

type Facts = Omit<ExportResult, "out" | "kind" | "bytes">;

async function write(request: ExportRequest, open: OpenModel, signal: AbortSignal): Promise<Facts> {
  const { out, kind, dtype } = request;
  if (kind === "merged") return exportRounded(open, out, dtype, signal);
  const adapters = trained(open);
  if (kind === "svd") return exportChange({ ...open, adapters }, out, request, signal);
  adapters.saveAdapter(out, open.baseFolder);
  return {};
}

/** A merged folder; where its weights are rounded, the held-out loss tells what that costs beside the drift. */
async function exportRounded(
  open: OpenModel,
  out: string,
  dtype: ExportRequest["dtype"],
  signal: AbortSignal,
): Promise<Facts> {
  const facts = exportMerged(open, out, dtype);
  if (facts.drift === undefined || open.recipe === undefined) return facts;
  const { model, recipe } = open;
  const computed = model.info.dtype === "bfloat16" ? "bfloat16" : "float32";
  const config = { ...modelOf(recipe), path: out, dtype: computed, device: deviceOf(model) } as const;
  using rounded = await loadTrained(config, recipe.train.seed);
  return { ...facts, heldOutLoss: await compareHeldOut(open, rounded, signal) };
}

function checkRequest({ out, kind, rank, energy }: ExportRequest): void {
  if (existsSync(out)) {
    throw new ScaloraError("usage", "The output folder exists already", {
      where: out,
      expected: "a folder that does not exist",
    });
  }
  if (kind !== "svd") return;
  if ((rank === undefined) === (energy === undefined))
    throw new ScaloraError("usage", "An svd export needs either a rank or a share of energy");
  const good = rank === undefined ? energy !== undefined && energy > 0 && energy <= 1 : isCount(rank);
  if (good) return;
  throw new ScaloraError("usage", "An svd export cannot be of this size", {
    expected: rank === undefined ? "energy above 0, at most 1" : "a rank of 1 or more",
    found: String(rank ?? energy),
  });
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1;

function trained({ adapters, baseFolder }: OpenModel): AdapterSet {
  if (adapters) return adapters;
  throw new ScaloraError("usage", "There is no adapter to export: this is a model's folder", {
    where: baseFolder,
    fix: "give a run's folder, or the model's with --adapter",
  });
}

function folderBytes(folder: string): number {
  return readdirSync(folder).reduce((total, name) => total + statSync(join(folder, name)).size, 0);
}
