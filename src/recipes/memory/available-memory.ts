import { readFileSync, readlinkSync } from "node:fs";
import { hostname, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { deviceMemory, gatherTexts, memory, type ProcessGroup } from "../../torch/index.ts";

/** How much memory this process may take altogether, and what limits it. */
export interface MemoryLimit {
  /** Infinite on a device whose memory is not known. */
  readonly bytes: number;
  readonly of: "the machine" | "the control group (container)" | "the GPU";
  /** The ranks between which it shares out what is free there; absent for one. */
  readonly sharedBy?: number;
}

/** Where a process takes its memory. */
export interface MemoryPlace {
  /** The machine, while it runs. */
  readonly machine: string;
  /** The container: paths of control groups are those that it sees. */
  readonly namespace: string;
  /** Its control groups, as in /proc/self/cgroup. */
  readonly groups: string;
}

/** Where the memory is from, and who takes it; other values for tests. */
interface LimitOptions {
  /** Where `proc` and `sys` are. */
  readonly root?: string;
  /** Bytes that this process holds. */
  readonly resident?: number;
  /** The places of all ranks that need as much as this process, which is one of them; none where it computes alone. */
  readonly ranks?: readonly MemoryPlace[];
}

/** The places of all ranks, which all call it. */
export async function memoryPlaces(group: ProcessGroup | undefined): Promise<MemoryPlace[]> {
  if (!group || group.size === 1) return [];
  const texts = await gatherTexts(group, JSON.stringify(memoryPlace("/")));
  return texts.map((text): MemoryPlace => JSON.parse(text));
}

function memoryPlace(root: string): MemoryPlace {
  return {
    machine: readText(join(root, "proc/sys/kernel/random/boot_id")).trim() || hostname(),
    namespace: attempt(() => readlinkSync(join(root, "proc/self/ns/cgroup"))),
    groups: readText(join(root, "proc/self/cgroup")),
  };
}

/**
 * What this process has and its share of what is free, counting memory that the system can reclaim and swap; within a control
 * group (cgroup v1 or v2) at most its share of what that has left. Ranks of one machine, or one group, have equal shares: what they
 * have already, weights in mapped files among it, which they have together, is no longer free.
 */
export function memoryLimit({
  root = "/",
  resident = memory().resident,
  ranks = [],
}: LimitOptions = {}): MemoryLimit {
  const info = readText(join(root, "proc/meminfo"));
  const kilobytes = (key: string) => numberAfter(info, new RegExp(`^${key}: +`, "m")) ?? 0;
  const free = 1024 * (kilobytes("MemAvailable") + kilobytes("SwapFree"));
  const own = memoryPlace(root);
  const here = ranks.filter(({ machine }) => machine === own.machine);
  const machine: Room = {
    of: "the machine",
    free: info === "" ? totalmem() - resident : free,
    sharedBy: here.length,
  };
  const inContainer = here.filter(({ namespace }) => namespace === own.namespace);
  const rooms = [machine, ...groupRooms(root, own, inContainer)].map(({ of, free, sharedBy }) => ({
    bytes: resident + free / Math.max(1, sharedBy),
    of,
    ...(sharedBy > 1 && { sharedBy }),
  }));
  return rooms.reduce((least, room) => (room.bytes < least.bytes ? room : least));
}

/**
 * What this process may take of a GPU: what it holds, and what nobody does.
 * @param gpu its memory; another one for tests
 */
export function gpuLimit(
  device: string,
  gpu: Readonly<Record<"held" | "free" | "total", number>> | undefined = deviceMemory(device),
): MemoryLimit {
  const bytes = gpu === undefined || gpu.total === 0 ? Number.POSITIVE_INFINITY : gpu.held + gpu.free;
  return { bytes, of: "the GPU" };
}

/** Memory that is free somewhere. */
interface Room {
  readonly of: MemoryLimit["of"];
  readonly free: number;
  readonly sharedBy: number;
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

/** What is left in each group above this process. A container sees its own group at the mount's root. */
function groupRooms(root: string, { groups }: MemoryPlace, ranks: readonly MemoryPlace[]): Room[] {
  return controllers.flatMap(({ line, mount, limit, usage, reclaimable }) => {
    const path = line.exec(groups)?.[1];
    if (path === undefined) return [];
    return foldersUp(path).flatMap((folder) => {
      const read = (name: string) => readText(join(root, mount, folder, name));
      const [most, used] = [numberAfter(read(limit), /^/), numberAfter(read(usage), /^/)];
      if (most === undefined || used === undefined) return [];
      const free = Math.max(0, most - used + (numberAfter(read("memory.stat"), reclaimable) ?? 0));
      const sharedBy = ranks.filter((rank) => foldersUp(line.exec(rank.groups)?.[1] ?? "/").includes(folder));
      return [{ of: "the control group (container)" as const, free, sharedBy: sharedBy.length }];
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

const readText = (path: string) => attempt(() => readFileSync(path, "utf8"));

/** A text of the system; empty where it has none. */
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
