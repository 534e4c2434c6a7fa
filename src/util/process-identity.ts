import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { codeOf } from "./files.ts";

/** Identifies one process, even after its id has been reused. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Start time in the operating system's units; null when unknown. */
  readonly startTime: string | null;
}

/** The identity of this process. */
export function currentProcess(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), startTime: startTimeOf(process.pid) };
}

/**
 * Whether the identified process is alive and not this one. A process on another host, or with an unknown start time,
 * counts as gone: the alternative would be a run that can never be resumed.
 */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.host !== hostname() || identity.pid === process.pid) return false;
  return identity.startTime !== null && startTimeOf(identity.pid) === identity.startTime;
}

/** Whether the identified process is certainly gone: it ran on this host, and does no more. This process is not gone. */
export function isGone({ pid, host, startTime }: ProcessIdentity): boolean {
  if (host !== hostname()) return false;
  return startTime === null ? !isProcess(pid) : startTimeOf(pid) !== startTime;
}

/** Whether there is a process with this id on this host. */
export function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: somebody else's.
    return codeOf(error) !== "ESRCH";
  }
}

/**
 * Boot and start time of a process on Linux (`/proc/<pid>/stat`, field 22); null on other systems, or without such a process.
 * One that has ended and only waits for its parent counts as none.
 */
function startTimeOf(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return /^[ZX]/.test(fields[0] ?? "") ? null : `${boot} ${fields[19]}`;
  } catch {
    return null;
  }
}
