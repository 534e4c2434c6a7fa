import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import type { RecordedStatus } from "./events.ts";
import { isActive, listRunNames, readStatus } from "./folder.ts";

export interface RunEntry {
  name: string;
  path: string;
  /** `interrupted`: the process is gone without having said how it ended; the run can be resumed. */
  state: "starting" | "running" | "paused" | "finished" | "stopped" | "failed" | "interrupted" | "unknown";
  method: string | null;
  step: number | null;
  totalSteps: number | null;
  loss: number | null;
  bestEvalLoss: number | null;
  /** Of a task's data: the score by which that evaluation is the best. */
  bestScore: number | null;
  /** ISO 8601. */
  updatedAt: string | null;
}

/** Where a run stands; `interrupted` where its process is gone without having said how it ended. */
export function effectiveState(status: RecordedStatus): RecordedStatus["state"] | "interrupted" {
  const unfinished = ["starting", "running", "paused"].includes(status.state);
  return unfinished && !isActive(status) ? "interrupted" : status.state;
}

/** The runs of a folder, nested ones too, with where they stand, sorted by name (their path below the folder). */
export function listRuns(folder: string): RunEntry[] {
  return runPaths(folder).map((path) => {
    const name = relative(folder, path);
    const status = readStatus(path);
    return {
      name,
      path,
      state: status === undefined ? "unknown" : effectiveState(status),
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

/** Where nobody keeps runs. */
const otherFolders = /^(\.|node_modules$)/;

function runPaths(folder: string): string[] {
  const runs = new Set(listRunNames(folder));
  const nested = foldersIn(folder).filter((name) => !runs.has(name) && !otherFolders.test(name));
  const paths = [...runs].map((name) => join(folder, name));
  return [...paths, ...nested.flatMap((name) => runPaths(join(folder, name)))].sort();
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    // Gone, or not ours to read: no runs to list.
    return [];
  }
}
