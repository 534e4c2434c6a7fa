import { readFileSync } from "node:fs";
import { native } from "../native/load.ts";

/** The version of libtorch in use. */
export function torchVersion(): string {
  return native().version();
}

/** libtorch's report on its threads and backends. */
export function parallelInfo(): string {
  return native().parallelInfo();
}

/** The widest vector instructions in use, for example "AVX512". */
export function cpuCapability(): string {
  return native().cpuCapability();
}

/** How many CUDA devices libtorch has here. */
export function cudaDevices(): number {
  return native().cudaDevices();
}

/** What this process has of the memory of a GPU, in bytes. */
interface DeviceMemory {
  /** Its tensors. */
  readonly tensors: number;
  /** The most that they have been, since `resetDevicePeak`. */
  readonly peak: number;
  /** What it holds: its tensors, and freed memory that libtorch keeps. */
  readonly held: number;
  /** What nobody holds. */
  readonly free: number;
  /** The device's; 0 where it has no memory of its own. */
  readonly total: number;
}

/** The memory of a GPU; undefined where libtorch cannot tell. */
export function deviceMemory(device: string): DeviceMemory | undefined {
  const found = native().deviceMemory(device);
  if (found === undefined) return undefined;
  const [tensors, peak, held, free, total] = found;
  return { tensors, peak, held, free, total };
}

/** Forgets how much the tensors on a GPU have been. */
export function resetDevicePeak(device: string): void {
  native().resetDevicePeak(device);
}

/** Whether `causalAttention` runs on this CPU. */
export function hasFusedAttention(): boolean {
  return native().hasFusedAttention();
}

/** Whether libtorch has oneDNN, the other backend of matrix products: not on Macs. */
export function hasOneDnn(): boolean {
  return native().hasOneDnn();
}

/** Threads that one operator may use on the CPU; libtorch's default until `setThreads`. */
export function threads(): number {
  return native().threads();
}

/**
 * Sets how many CPU threads an operator may use, in the calling thread and in threads started later.
 * @param count 1 to 4096
 * @throws ScaloraError `tensor` for any other number
 */
export function setThreads(count: number): void {
  native().setThreads(count);
}

/** Resident memory of this process in bytes: now, and at most so far. */
export function memory(): { resident: number; peak: number } {
  return { resident: residentMemory(), peak: peakResident() };
}

/** Resident memory of this process in bytes; its peak so far where the system does not say (Linux without `/proc`). */
export function residentMemory(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

/**
 * Linux counts in `maxRSS` what the process that started this one held at that time, but not in `VmHWM`, which some containers
 * lack.
 * @param status the file; another one for tests
 */
export function peakResident(status = "/proc/self/status"): number {
  const kilobytes = /^VmHWM:\s*(\d+)/m.exec(readIfThere(status))?.[1] ?? process.resourceUsage().maxRSS;
  return Number(kilobytes) * 1024;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/**
 * Makes this process keep and reuse the memory that it frees. Otherwise the system maps the large buffers of every training
 * step anew, which can take most of a step's time on virtual machines. The settings (`mallopt`) apply to the whole process,
 * so only this function changes them: the command line calls it, and a program that trains can. Call it before creating
 * tensors; `releaseFreeMemory` still returns memory to the system.
 * @returns false if there is nothing to set: without glibc (macOS, musl)
 */
export function keepFreedMemory(): boolean {
  isFreedMemoryKept = native().keepFreedMemory();
  return isFreedMemoryKept;
}

/**
 * Has this process end without libtorch's destructors, once JavaScript has ended: they take a tenth of a second of CPU time, which
 * are seconds on a machine that is busy. For a command that has failed while others wait for its end; handlers of `exit` that are added
 * later are not called.
 */
export function endQuickly(): void {
  process.once("exit", (code) => native().endProcess(code));
}

let isFreedMemoryKept = false;

/** Whether `keepFreedMemory` is in effect: then the resident memory after a computation is the most that it took. */
export function keepsFreedMemory(): boolean {
  return isFreedMemoryKept;
}

/** What an action takes at its peak, in bytes. */
export interface ActionMemory {
  /** The tensors that it creates, together: the same in every process. */
  readonly tensors: number;
  /** Resident memory of the process near that peak; 0 where the system is not Linux. */
  readonly resident: number;
}

/** Measures the memory of an action on a device, its tensors on others left out. It should free no older tensors. */
export function measureMemory(action: () => void, device = "cpu"): ActionMemory {
  native().startMemoryCount(device);
  let counted: readonly [number, number] = [0, 0];
  try {
    action();
  } finally {
    counted = native().endMemoryCount();
  }
  const [tensors, resident] = counted;
  return { tensors, resident };
}

/** Returns the free memory of the process to the system; useful after loading and tokenising data. */
export function releaseFreeMemory(): void {
  native().releaseFreeMemory();
}
