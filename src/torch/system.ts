import { native } from "../native/load.ts";

/** The version of libtorch in use. */
export function torchVersion(): string {
  return native().version();
}

/** libtorch's own account of its threads and backends. */
export function parallelInfo(): string {
  return native().parallelInfo();
}

/** The widest vector instructions in use, for example "AVX512". */
export function cpuCapability(): string {
  return native().cpuCapability();
}

/** Whether libtorch has a CUDA device here. */
export function hasCuda(): boolean {
  return native().hasCuda();
}

/** Whether `causalAttention` runs on this CPU. */
export function hasFusedAttention(): boolean {
  return native().hasFusedAttention();
}

/** Threads that one operator may use on the CPU; libtorch's own choice until `setThreads`. */
export function threads(): number {
  return native().threads();
}

/**
 * Sets how many threads the operators of the calling thread may use on the CPU, and those of threads that start later.
 * @param count 1 to 4096
 * @throws ScaloraError `tensor` for any other number
 */
export function setThreads(count: number): void {
  native().setThreads(count);
}

/** Resident memory of this process in bytes: now, and at most so far. */
export function memory(): { resident: number; peak: number } {
  return { resident: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 };
}

/**
 * Lets this process keep the memory that it frees and use it again, instead of asking the system for the large buffers of
 * every training step anew; on virtual machines that can take most of a step's time. These are settings of the whole
 * process (`mallopt`), so nothing but this function makes them: the command line calls it, a program that trains may. Call it
 * before the first tensors; `releaseFreeMemory` still gives memory back.
 * @returns false where there is nothing to set: without glibc (macOS, musl)
 */
export function keepFreedMemory(): boolean {
  return native().keepFreedMemory();
}

/** Gives memory that is free inside the process back to the system, as after loading and tokenising data. */
export function releaseFreeMemory(): void {
  native().releaseFreeMemory();
}
