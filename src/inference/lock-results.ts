import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { removeLeftovers } from "../run/leftovers.ts";
import { cannotWrite } from "../util/cannot-write.ts";
import { ScaloraError } from "../util/errors.ts";
import { type LockWait, ProcessLock } from "../util/locks/process-lock.ts";
import { refuseNamedPipe } from "../util/output-file.ts";

/**
 * Takes the lock of a file of results, a folder next to it. A device such as /dev/null has none.
 * @throws ScaloraError `usage` when another process evaluates into the file, it is a named pipe, or its folder cannot be
 * written; the signal's reason
 */
export async function lockResults(out: string, wait: LockWait): Promise<ProcessLock | undefined> {
  try {
    refuseNamedPipe(out);
    if (existsSync(out) && !statSync(out).isFile()) return undefined;
    const path = existsSync(out) ? realpathSync(out) : resolve(out);
    const lockPath = join(dirname(path), `.${basename(path)}.lock`);
    const purpose = { what: "evaluating into this file", where: path };
    await ProcessLock.removeSilent(lockPath, purpose, wait);
    const lock = ProcessLock.take(lockPath, purpose);
    removeLeftovers(dirname(path), (name) => name === basename(path));
    return lock;
  } catch (cause) {
    wait.signal?.throwIfAborted();
    if (cause instanceof ScaloraError) throw cause;
    throw cannotWrite("The file of results cannot be used", out, {
      cause,
      otherwise: "give another file as predictions (--predictions)",
      code: "usage",
    });
  }
}
