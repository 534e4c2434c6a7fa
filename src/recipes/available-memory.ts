import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { memory } from "../torch/index.ts";

/** How much memory this process may take altogether, and what limits it. */
export interface MemoryLimit {
  readonly bytes: number;
  readonly of: "the machine" | "the control group (container)";
}

/**
 * What this process has and what is free, counting memory that the system can reclaim and swap; within a control group (cgroup
 * v1 or v2) at most what that has left.
 * @param root where `proc` and `sys` are; another folder for tests
 * @param resident bytes that this process holds
 */
export function memoryLimit(root = "/", resident = memory().resident): MemoryLimit {
  const info = readText(join(root, "proc/meminfo"));
  const kilobytes = (key: string) => numberAfter(info, new RegExp(`^${key}: +`, "m")) ?? 0;
  const free = 1024 * (kilobytes("MemAvailable") + kilobytes("SwapFree"));
  const machine = info === "" ? totalmem() : resident + free;
  const group = resident + Math.min(...groupRoom(root));
  return group < machine
    ? { bytes: group, of: "the control group (container)" }
    : { bytes: machine, of: "the machine" };
}

/** Files of a memory controller, by version. */
const controllers = [
  {
    line: /^0::(.*)$/m,
    mount: "sys/fs/cgroup",
    limit: "memory.max",
    usage: "memory.current",
    reclaimable: /^inactive_file /m,
  },
  {
    line: /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m,
    mount: "sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    reclaimable: /^total_inactive_file /m,
  },
] as const;

/** Bytes left in each group above this process. A container sees its own group at the mount's root. */
function groupRoom(root: string): number[] {
  const groups = readText(join(root, "proc/self/cgroup"));
  return controllers.flatMap(({ line, mount, limit, usage, reclaimable }) => {
    const path = line.exec(groups)?.[1];
    if (path === undefined) return [];
    return foldersUp(path).flatMap((folder) => {
      const read = (name: string) => readText(join(root, mount, folder, name));
      const [most, used] = [numberAfter(read(limit), /^/), numberAfter(read(usage), /^/)];
      if (most === undefined || used === undefined) return [];
      return [Math.max(0, most - used + (numberAfter(read("memory.stat"), reclaimable) ?? 0))];
    });
  });
}

/** `/a/b`, `/a` and `/`. */
function foldersUp(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...foldersUp(above)];
}

/** The integer that follows a pattern in a text; undefined where there is none, as for a limit of `max`. */
function numberAfter(text: string, pattern: RegExp): number | undefined {
  const digits = new RegExp(`${pattern.source}(\\d+)`, pattern.flags).exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
