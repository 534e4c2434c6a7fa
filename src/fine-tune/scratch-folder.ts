import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cannotWrite } from "../util/cannot-write.ts";
import { lockState } from "../util/locks/lock-holder.ts";
import { ProcessLock } from "../util/locks/process-lock.ts";

const prefix = "scalora-rows-";
const lockName = ".lock";

/** A folder for rows that belong to no run, in the system's place for temporary files; its lock tells whose it is. */
export class ScratchFolder implements Disposable {
  readonly path: string;
  private readonly lock: ProcessLock;

  /** @throws ScaloraError `run` when it cannot be made */
  constructor(place = tmpdir()) {
    try {
      this.path = mkdtempSync(join(place, prefix));
      this.lock = ProcessLock.take(join(this.path, lockName), { what: "using these rows", where: this.path });
    } catch (cause) {
      const otherwise = "name another folder in the environment variable TMPDIR";
      throw cannotWrite("The system's folder for temporary files cannot be written", place, {
        cause,
        otherwise,
      });
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
    this.lock[Symbol.dispose]();
  }
}

/** Removes such folders of processes that were killed. */
export function removeLostScratch(place = tmpdir()): void {
  for (const name of namesIn(place).filter((each) => each.startsWith(prefix))) {
    const path = join(place, name);
    try {
      const { held, gone } = lockState(join(path, lockName));
      if (held === undefined && gone.length > 0) rmSync(path, { recursive: true, force: true });
    } catch {
      // Another user's.
    }
  }
}

/** None where there is no such place, which only who writes there has to know. */
function namesIn(place: string): readonly string[] {
  try {
    return readdirSync(place);
  } catch {
    return [];
  }
}
