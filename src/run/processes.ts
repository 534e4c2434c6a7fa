import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";

/** Names one process, also after its number has been given to another. */
export const processSchema = z.object({
  pid: z.int().describe("Number of the process"),
  host: z.string().describe("Name of its machine"),
  startTime: z
    .string()
    .nullable()
    .describe("When the system started it, in its own units; null where that cannot be told"),
});

export type ProcessIdentity = z.output<typeof processSchema>;

/** This process, recognisable after its number has been given to another one. */
export function currentProcess(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), startTime: startTimeOf(process.pid) };
}

/**
 * Whether another process than this one is the one described and still lives. One on another host, or one whose
 * start the system does not tell, counts as gone: refusing to resume forever would be worse.
 */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.host !== hostname() || identity.pid === process.pid) return false;
  return identity.startTime !== null && startTimeOf(identity.pid) === identity.startTime;
}

/** Boot and start time of a process on Linux (`/proc/<pid>/stat`, field 22); null elsewhere and for no process. */
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
