import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { cannotWrite } from "../util/cannot-write.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { type LockPurpose, type LockWait, ProcessLock } from "../util/locks/process-lock.ts";
import { howToResume } from "./how-to-resume.ts";
import { runFiles } from "./run-files.ts";
import { isActive, readStatus } from "./status.ts";

/**
 * Takes the lock of a run that does not exist yet; its folder is made, and removed with the lock if nothing else comes into it.
 * @throws ScaloraError `config` when there is something in the folder, `usage` when another live process trains a run in it,
 * `run` when it cannot be written
 */
export function lockNewRun(path: string): ProcessLock {
  assertNew(path);
  const lock = takeLock(path);
  if (isUnused(path)) return lock;
  // Another process has created the run in the meantime and released its lock.
  lock[Symbol.dispose]();
  throw alreadyThere(path);
}

/** @throws ScaloraError as `lockNewRun` where there is something at the path */
export function assertNew(path: string): void {
  if (isUnused(path)) return;
  asRunError(path, () => ProcessLock.assertFree(join(path, runFiles.lock), lockPurpose(path)));
  throw alreadyThere(path);
}

/**
 * Takes the lock of an existing run.
 * @throws ScaloraError `config` when the folder holds no run, `usage` when another live process trains it, `run` when it
 * cannot be written
 */
export function lockRun(path: string): ProcessLock {
  assertHoldsRun(path);
  const lock = takeLock(path);
  try {
    refuseActive(path);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
  return lock;
}

/** @throws ScaloraError `config` when the folder holds no run */
export function assertHoldsRun(path: string): void {
  if (existsSync(join(path, runFiles.config))) return;
  throw new ScaloraError("config", "This folder holds no run", {
    where: path,
    expected: `a folder with ${runFiles.config}`,
    found: existsSync(path) ? "a folder without it" : "no folder",
    fix: "`npx scalora ls runs` lists the runs",
  });
}

/**
 * Takes the lock of a new run, or of one to resume, as `lockNewRun` and `lockRun` do; a holder of another host is watched
 * first, and its lock removed when it shows no heartbeat.
 * @throws ScaloraError as those do; the signal's reason
 */
export async function lockWatchedRun(
  path: string,
  { resume, ...wait }: LockWait & { readonly resume: boolean },
): Promise<ProcessLock> {
  try {
    if (resume ? existsSync(join(path, runFiles.config)) : isUnused(path))
      await ProcessLock.removeSilent(join(path, runFiles.lock), lockPurpose(path), wait);
  } catch (cause) {
    wait.signal?.throwIfAborted();
    throw cause instanceof ScaloraError ? cause : notWritable(path, cause);
  }
  return resume ? lockRun(path) : lockNewRun(path);
}

/**
 * Looks whether a new run can start at a path, and writes nothing.
 * @throws ScaloraError as `lockNewRun` does
 */
export function assertCanStart(path: string): void {
  if (!isUnused(path)) throw alreadyThere(path);
  const folder = existingParent(path);
  asRunError(path, () => {
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
    accessSync(folder, constants.W_OK | constants.X_OK);
    ProcessLock.assertFree(join(path, runFiles.lock), lockPurpose(path));
  });
}

/** Whether a new run may take the folder: there is nothing in it, or only what a process has left that was killed while it loaded. */
export function isFreeForRun(path: string): boolean {
  if (!isUnused(path)) return false;
  try {
    ProcessLock.assertFree(join(path, runFiles.lock), lockPurpose(path));
    return true;
  } catch {
    return false;
  }
}

/** The path itself, or the nearest one above it that exists. */
export const existingParent = (path: string): string =>
  existsSync(path) ? path : existingParent(dirname(path));

const takeLock = (path: string): ProcessLock =>
  asRunError(path, () => ProcessLock.take(join(path, runFiles.lock), lockPurpose(path)));

const lockPurpose = (path: string): LockPurpose => ({
  what: "training this run",
  where: path,
  progress: (pid) => progressOf(path, pid),
});

function asRunError<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof ScaloraError ? cause : notWritable(path, cause);
  }
}

function progressOf(path: string, pid: number): string | undefined {
  const status = readStatus(path);
  if (status === undefined) return undefined;
  // A process that resumes a run writes its own status once its model is loaded.
  return status.process.pid === pid
    ? `${status.state} at step ${status.step}`
    : `resuming after step ${status.step}`;
}

/** Refuses a run that a scalora without locks is training. */
function refuseActive(path: string): void {
  const status = readStatus(path);
  if (status === undefined || !isActive(status)) return;
  throw new ScaloraError("usage", "Another process is training this run", {
    where: path,
    found: `process ${status.process.pid}, ${status.state} at step ${status.step}`,
    fix: "wait for it, or stop it",
  });
}

/** What a process leaves that is killed before its run has a configuration. */
const isLeftover = (name: string) =>
  name.startsWith(runFiles.lock) ||
  name === runFiles.rows ||
  (name.startsWith(runFiles.config) && name.endsWith(".tmp"));

/** Whether there is nothing at the path, or a folder with nothing but what a killed process leaves. */
function isUnused(path: string): boolean {
  if (!existsSync(path)) return true;
  try {
    return readdirSync(path).every(isLeftover);
  } catch {
    // Not a folder, or one that cannot be read.
    return false;
  }
}

function alreadyThere(path: string): ScaloraError {
  const isRun = existsSync(join(path, runFiles.config));
  const orResume = isRun ? `, or resume it with ${howToResume(path)}` : "";
  return new ScaloraError("config", "The run's folder already exists", {
    where: path,
    expected: "a new name (run.name)",
    ...(!isRun && { found: "a file, or a folder without a run" }),
    fix: `choose another run.name (--set run.name=…)${orResume}`,
  });
}

/** The error for a run's folder in which something cannot be read. */
export function notReadable(path: string, cause: unknown): ScaloraError {
  return new ScaloraError("run", "The run's folder cannot be read", {
    where: path,
    found: messageOf(cause),
    fix: "make it readable, or look whether its disk fails",
    cause,
  });
}

/** The error for a run's folder in which something cannot be written. What a run has saved stays, and it can be resumed. */
export function notWritable(path: string, cause: unknown): ScaloraError {
  const resume = `go on with ${howToResume(path)}; what was saved is kept`;
  return cannotWrite("The run's folder cannot be written", path, {
    cause,
    ...(existsSync(join(path, runFiles.config))
      ? { afterwards: resume }
      : { otherwise: "choose another run.folder (--set run.folder=…)" }),
  });
}
