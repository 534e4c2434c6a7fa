import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";

/** Identifies one process, even after its id has been reused. */
export const processSchema = z.object({
  pid: z.int().describe("Process id"),
  host: z.string().describe("Host name"),
  startTime: z.string().nullable().describe("Start time in the operating system's units; null when unknown"),
});

export type ProcessIdentity = z.output<typeof processSchema>;

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

/** Boot and start time of a process on Linux (`/proc/<pid>/stat`, field 22); null on other systems, or without such a process. */
function startTimeOf(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${boot} ${fields[19]}`;
  } catch {
    return null;
  }
}
