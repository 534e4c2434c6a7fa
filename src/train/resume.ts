import { basename, relative } from "node:path";
import type { AdapterSet } from "../adapters/core/adapter-set.ts";
import type { RunFolder } from "../run/run-folder.ts";
import { readStatus } from "../run/status.ts";
import * as torch from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { fittingThreads, usableCores } from "../util/usable-cores.ts";
import {
  checkIdentity,
  findNewestValid,
  readState,
  refuseUnreadable,
  verifyCheckpoint,
  withTensors,
} from "./checkpoints/read-checkpoint.ts";
import { markDamaged } from "./checkpoints/save-checkpoint.ts";
import { type Progress, parseState, type SavedState } from "./progress-state.ts";
import type { DataParallel } from "./ranks/data-parallel.ts";
import type { TrainOptions } from "./train-options.ts";

export const checkpointFolder = (run: Pick<RunFolder, "file">) => run.file("checkpoints");

export interface ResumedState {
  readonly progress: Progress;
  /** Its path; relative to the run's folder where there is one. */
  readonly checkpoint: string;
  readonly warnings: readonly string[];
  /** The backend that the run was started with, now in use. */
  readonly gemmBackend: torch.GemmBackend;
}

/**
 * Restores the state of the newest valid checkpoint of the run.
 * @returns undefined when the run has no checkpoint.
 * @throws ScaloraError `model` or `config` for another base or adapter, `data` for other data, `format` when no
 * checkpoint is valid, `run` when a newer one cannot be read at present, `config` for a finished run whose checkpoints were
 * removed.
 */
function resumeRun(options: TrainOptions): ResumedState | undefined {
  if (!options.run) return undefined;
  const { folder, identity } = options.run;
  const newest = findNewestValid(checkpointFolder(folder));
  if (!newest) {
    refuseFinished(folder.path);
    return undefined;
  }
  refuseUnreadable(newest.broken);
  const { path } = newest.entry;
  checkIdentity(newest.manifest, identity, path);
  const resumed = restore(path, options);
  const damaged = newest.broken.map(
    ({ path, reason }) => `renamed a damaged checkpoint to ${basename(markDamaged(path))}: ${reason}`,
  );
  return {
    ...resumed,
    checkpoint: relative(folder.path, path),
    warnings: [...damaged, ...resumed.warnings],
  };
}

/**
 * `resumeRun` by rank 0; the other ranks, which have no run, restore the checkpoint that it has chosen, from a folder that they
 * share.
 */
export async function resumeOnRanks(
  options: TrainOptions,
  ranks: DataParallel | undefined,
): Promise<ResumedState | undefined> {
  if (!ranks) return resumeRun(options);
  const own = ranks.rank === 0 ? resumeRun(options) : undefined;
  const chosen = own && options.run ? options.run.folder.file(own.checkpoint) : "";
  const path = await ranks.share(chosen);
  return ranks.rank === 0 || path === "" ? own : restore(path, options);
}

/** Restores the state of a valid checkpoint. */
function restore(path: string, options: TrainOptions): ResumedState {
  const { version, engine, batches, counters, ...progress } = parseState(readState(path), path);
  options.batches.restore(batches);
  const warnings = [...restoreEngine(engine), ...(version === 1 ? decayWarnings(options) : [])];
  loadAdapterState(path, options.adapters);
  options.adapters.loadCounters(counters);
  withTensors(path, "optimizer", (read) => options.optimizer.loadState(read));
  withTensors(path, "generators", (read) => {
    for (const [name, generator] of options.generators ?? []) generator.setState(read(name));
  });
  return { progress, checkpoint: path, warnings, gemmBackend: engine.gemmBackend };
}

/** A finished run without checkpoints is refused: a resume would train all of it again. */
function refuseFinished(path: string): void {
  if (readStatus(path)?.state !== "finished") return;
  throw new ScaloraError("config", "This run is finished, and its checkpoints were removed", {
    where: path,
    found: "no checkpoint (`compare` keeps none of its finished runs)",
    fix: "train its recipe (config.yaml) as a new run",
  });
}

/**
 * Loads a checkpoint, for example the best one, into an adapter set on the same base model.
 * @throws ScaloraError `format` when the checkpoint is incomplete.
 */
export function loadCheckpointWeights(path: string, adapters: AdapterSet): void {
  verifyCheckpoint(path);
  loadAdapterState(path, adapters);
  adapters.loadCounters(parseState(readState(path), path).counters);
}

/** Earlier releases let the decay act on full fine-tuning alone. */
function decayWarnings({ optimizer: { weightDecay = 0 }, adapters: { method } }: TrainOptions): string[] {
  if (weightDecay === 0 || method === "full") return [];
  return [
    `the run was begun by a release in which train.weightDecay had no effect on ${method}; from here on what it trains decays by ${weightDecay}`,
  ];
}

function loadAdapterState(path: string, adapters: AdapterSet): void {
  torch.noGrad(() => withTensors(path, "adapters", (read) => adapters.loadState(read)));
}

/** Threads and GEMM backend change the rounding of sums: a resume uses those that the run was started with. */
function restoreEngine({ threads, gemmBackend }: SavedState["engine"]): string[] {
  torch.requireGemmBackend(gemmBackend, "the run's checkpoint");
  if (threads !== torch.threads()) torch.setThreads(threads);
  const fitting = fittingThreads(usableCores());
  return threads > fitting
    ? [`the run was started with ${threads} threads and goes on with them; ${fitting} fit this machine`]
    : [];
}
