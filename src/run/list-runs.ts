import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { ScaloraError } from "../util/errors.ts";
import { ProcessLock } from "../util/locks/process-lock.ts";
import { runFiles } from "./run-files.ts";
import { effectiveState, isUnfinished, type RecordedStatus, type RunState, readStatus } from "./status.ts";

/** A run in a list: its folder and status. */
export interface RunEntry {
  name: string;
  path: string;
  /**
   * `interrupted`: the process died without recording an end; the run can be resumed. `newer`: a newer scalora wrote the
   * record. `unknown`: there is no status that can be read.
   */
  state: RunState | "interrupted" | "newer" | "unknown";
  method: string | null;
  step: number | null;
  totalSteps: number | null;
  loss: number | null;
  bestEvalLoss: number | null;
  /** Score of that evaluation, when the data belong to a task with metrics. */
  bestScore: number | null;
  /** ISO 8601. */
  updatedAt: string | null;
}

/** The runs in a folder, nested ones too, with their status, sorted by name (the path below the folder). */
export function listRuns(folder: string): RunEntry[] {
  return runPaths(folder).map((path) => {
    const name = relative(folder, path);
    const { status, state } = statusAndState(path);
    return {
      name,
      path,
      state,
      method: status?.method ?? null,
      step: status?.step ?? null,
      totalSteps: status?.totalSteps ?? null,
      loss: status?.loss ?? null,
      bestEvalLoss: status?.bestEvalLoss ?? null,
      bestScore: status?.bestScore ?? null,
      updatedAt: status?.updatedAt ?? null,
    };
  });
}

/** A status that a newer version wrote is not read, so that one such run does not hide the others. */
function statusAndState(path: string): { status: RecordedStatus | undefined; state: RunEntry["state"] } {
  try {
    const status = readStatus(path);
    if (status === undefined) return { status, state: "unknown" };
    const isOfThread = isUnfinished(status) && ProcessLock.isOwn(join(path, runFiles.lock));
    return { status, state: isOfThread ? status.state : effectiveState(status) };
  } catch (error) {
    if (error instanceof ScaloraError && error.code === "format")
      return { status: undefined, state: "newer" };
    throw error;
  }
}

/** Folders that are not searched for runs: hidden ones, packages, and the files of trackers, which are many. */
const otherFolders = /^(\.|(node_modules|mlruns|wandb)$)/;

function runPaths(folder: string): string[] {
  const paths = foldersIn(folder).flatMap((name) => {
    const path = join(folder, name);
    if (existsSync(join(path, runFiles.config))) return [path];
    return otherFolders.test(name) ? [] : runPaths(path);
  });
  return paths.sort();
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    // Removed in the meantime, or not readable: no runs to list.
    return [];
  }
}
