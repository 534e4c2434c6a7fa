import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isProcess } from "../util/locks/process-identity.ts";
import { runFiles } from "./run-files.ts";

/**
 * Removes temporary files (`NAME.PID.tmp`) that killed processes have left in a folder. One with this process's own id was
 * an earlier process's: writing such a file is not interrupted by anything else here. Locks in the making are left to those who
 * take the lock: another host may be making one.
 * @param isOurs chooses by the name that the file would have got
 */
export function removeLeftovers(folder: string, isOurs: (name: string) => boolean = () => true): void {
  for (const leftover of readdirSync(folder)) {
    const [, name, pid] = /^(.+)\.(\d+)\.tmp$/.exec(leftover) ?? [];
    if (name === undefined || name.startsWith(`${runFiles.lock}.`) || !isOurs(name)) continue;
    if (Number(pid) === process.pid || !isProcess(Number(pid)))
      rmSync(join(folder, leftover), { recursive: true, force: true });
  }
}
