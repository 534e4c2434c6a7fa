import { rmSync } from "node:fs";
import { join } from "node:path";
import type { FaultBench } from "./bench.ts";
import type { Case } from "./cases.ts";
import { differences, endDifferences, outcomeOf } from "./outcome.ts";
import { faultOf } from "./verdict.ts";

/** What failing disks came to. */
export interface DiskReport {
  /** Processes whose write failed. */
  failures: number;
  /** Processes that a failing write did not reach, or did not stop. */
  unhurt: number;
  /** What was neither the result of the whole run nor a clear error. */
  readonly mismatches: string[];
}

export const newDiskReport = (): DiskReport => ({ failures: 0, unhurt: 0, mismatches: [] });

/** Lets the `at`-th change of a file, and all later ones, fail; then the disk works again and the run is resumed. */
export async function failingWrites(
  bench: FaultBench,
  one: Case,
  error: "ENOSPC" | "EIO",
  instants: readonly number[],
  report: DiskReport,
): Promise<void> {
  for (const at of instants) {
    const run = bench.newRun(one);
    const first = await bench.train(one, run, { fault: { at, error } });
    await recover(bench, one, run, { first, what: `${error} at change ${at}`, says: error, report });
  }
}

/**
 * Stops a run half-way, and resumes it while one of its files cannot be read: that of the first read, of the second, and so
 * on. Then it can be read again, and the run is resumed.
 */
export async function failingReads(
  bench: FaultBench,
  one: Case,
  instants: readonly number[],
  report: DiskReport,
): Promise<void> {
  for (const at of instants) {
    const run = bench.newRun(one);
    await bench.train(one, run, { fault: { at: halfWay } });
    const first = await bench.train(one, run, { readFault: { at, below: run } });
    await recover(bench, one, run, {
      first,
      what: `EIO at read ${at}`,
      says: "EIO",
      report,
      differ: endDifferences,
    });
  }
}

/** By this change of a file, a run has checkpoints. */
const halfWay = 90;

/** Trains on disks of so many bytes, each too small, which then get room, and the run is resumed. */
export async function smallDisks(
  bench: FaultBench,
  one: Case,
  sizes: readonly number[],
  report: DiskReport,
): Promise<void> {
  for (const size of sizes) {
    using disk = newDisk(bench, size);
    const run = bench.newRun(one, disk.path);
    const first = await bench.train(one, run);
    disk.remount("size=16m");
    await recover(bench, one, run, { first, what: `a disk of ${size} bytes`, says: "ENOSPC", report });
  }
}

/** Starts, and resumes, a run in a folder that can only be read; then it can be written, and the run is resumed. */
export async function readOnlyDisk(bench: FaultBench, one: Case, report: DiskReport): Promise<void> {
  for (const fault of [undefined, { at: halfWay }]) {
    using disk = newDisk(bench, 1 << 24);
    const run = bench.newRun(one, disk.path);
    if (fault) await bench.train(one, run, { fault });
    disk.remount("ro");
    const first = await bench.train(one, run);
    disk.remount("rw");
    await recover(bench, one, run, { first, what: "a read-only disk", says: "EROFS", report });
  }
}

const newDisk = ({ runs, server }: FaultBench, bytes: number) =>
  server.mount(join(runs, `disk-${bytes}`), bytes);

interface Recovery {
  readonly first: Awaited<ReturnType<FaultBench["train"]>>;
  readonly what: string;
  /** The system's code, which the error has to tell. */
  readonly says: string;
  readonly report: DiskReport;
  readonly differ?: typeof differences;
}

/** Judges how a process ended, and resumes its run without faults. */
async function recover(
  bench: FaultBench,
  one: Case,
  run: string,
  { first, what, says, report, differ = differences }: Recovery,
) {
  const { outcome: expected } = await bench.reference(one);
  const isUnhurt = first.results[0]?.code === 0;
  report[isUnhurt ? "unhurt" : "failures"] += 1;
  const wrong = (line: string) => report.mismatches.push(`${one.name}, ${what}: ${line}`);
  const fault = isUnhurt ? undefined : faultOf(first, says);
  if (fault !== undefined) wrong(fault);
  const second = await bench.train(one, run);
  if (second.results[0]?.code === 0) differ(outcomeOf(bench.server.seen(run)), expected).forEach(wrong);
  else wrong(`the resume: ${second.results[0]?.stderr ?? `signal ${second.signal}`}`);
  rmSync(bench.server.seen(run), { recursive: true, force: true });
}
