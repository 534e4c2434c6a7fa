import { existsSync } from "node:fs";
import { join } from "node:path";
import { ProcessLock } from "../util/locks/process-lock.ts";
import { runFiles } from "./run-files.ts";
import { RunFolder } from "./run-folder.ts";
import { isUnfinished, readStatus } from "./status.ts";

/**
 * Releases a run that a thread of this process has trained, which ended without doing so, and records that it failed. It can be
 * resumed.
 * @param path the run's folder
 */
export function endLostRun(path: string, message: string): void {
  ProcessLock.removeOwn(join(path, runFiles.lock));
  if (!existsSync(join(path, runFiles.config))) return;
  const status = readStatus(path);
  if (status === undefined || !isUnfinished(status)) return;
  using folder = RunFolder.open(path);
  const { version: _v, process: _p, startedAt: _s, updatedAt: _u, ...known } = status;
  folder.writeStatus({ ...known, state: "failed", message });
}
