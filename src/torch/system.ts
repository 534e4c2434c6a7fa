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

export function hasCuda(): boolean {
  return native().hasCuda();
}

/** Whether `causalAttention` runs on this CPU. */
export function hasFusedAttention(): boolean {
  return native().hasFusedAttention();
}

/** Threads that one operator may use on the CPU. */
export function threads(): number {
  return native().threads();
}

export function setThreads(count: number): void {
  native().setThreads(count);
}

/** Resident memory of this process in bytes: now, and at most so far. */
export function memory(): { resident: number; peak: number } {
  const [resident, peak] = native().memory();
  return { resident, peak };
}

/** Gives memory that is free inside the process back to the system, as after loading and tokenising data. */
export function releaseFreeMemory(): void {
  native().releaseFreeMemory();
}
