import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

/** What there is to compute with, as far as this process may use it. */
export interface UsableCores {
  /** Logical processors on which the process may run (its affinity). */
  readonly processors: number;
  /** The cores that these are on: a second thread on a core adds nothing to products of matrices. */
  readonly cores: number;
  /** Processors whose time the container may use, such as 1.5; undefined without a limit. */
  readonly quota: number | undefined;
}

/** How many threads compute best: one for each core, and no more than the container may keep running. */
export const fittingThreads = ({ cores, quota = cores }: UsableCores): number =>
  Math.max(1, Math.min(cores, Math.floor(quota)));

/** What is wrong with more threads than fit. @param processes that compute on this machine, each with so many threads */
export function tooManyThreads(count: number, fitting: number, processes = 1): string {
  const computing =
    processes === 1
      ? `${count} threads compute`
      : `${processes} processes compute with ${count} threads each`;
  const share = Math.max(1, Math.floor(fitting / processes));
  return `${computing} where ${fitting} fit: they take the cores from each other; use OMP_NUM_THREADS=${share}`;
}

/** Reads what Linux says; elsewhere each processor counts as a core. @param root of the file system; another one for tests */
export function usableCores(root = "/"): UsableCores {
  const processors = allowedProcessors(root);
  if (processors.length === 0) {
    const count = availableParallelism();
    return { processors: count, cores: count, quota: undefined };
  }
  const topology = "sys/devices/system/cpu";
  const coreOf = (cpu: number) =>
    readText(join(root, topology, `cpu${cpu}`, "topology/thread_siblings_list"))?.trim() ?? `${cpu}`;
  return {
    processors: processors.length,
    cores: new Set(processors.map(coreOf)).size,
    quota: cgroupQuota(root),
  };
}

function allowedProcessors(root: string): number[] {
  const status = readText(join(root, "proc/self/status")) ?? "";
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    if (range === "" || !Number.isInteger(first) || !Number.isInteger(last)) return [];
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  });
}

/** The tightest limit of the process's control groups, of version 2 or 1, from its own to the root's. */
function cgroupQuota(root: string): number | undefined {
  const lines = (readText(join(root, "proc/self/cgroup")) ?? "").split("\n").map((line) => line.split(":"));
  const limits = lines.flatMap(([, controllers = "", path = ""]) => {
    if (controllers === "") return withParents(path).map((at) => quotaOfV2(join(root, "sys/fs/cgroup", at)));
    if (!controllers.split(",").includes("cpu")) return [];
    return ["cpu", controllers].flatMap((mount) =>
      withParents(path).map((at) => quotaOfV1(join(root, "sys/fs/cgroup", mount, at))),
    );
  });
  const set = limits.filter((limit) => limit !== undefined);
  return set.length === 0 ? undefined : Math.min(...set);
}

/** A container may see its own group as the root of the mount, so parents up to "/" count. */
function withParents(path: string): string[] {
  return path === "/" || path === "" || path === "." ? ["/"] : [path, ...withParents(dirname(path))];
}

function quotaOfV2(folder: string): number | undefined {
  const [quota, period] = (readText(join(folder, "cpu.max")) ?? "").split(/\s+/);
  return ratio(quota, period);
}

function quotaOfV1(folder: string): number | undefined {
  return ratio(
    readText(join(folder, "cpu.cfs_quota_us"))?.trim(),
    readText(join(folder, "cpu.cfs_period_us"))?.trim(),
  );
}

/** "max", and −1 in version 1, mean no limit. */
function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const limit = Number(quota) / Number(period);
  return limit > 0 && Number.isFinite(limit) ? limit : undefined;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
