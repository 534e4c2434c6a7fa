// What others do on the machine while the sides compute.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** Seconds of all processors, since they started: in which they worked, and all of them. */
export interface ProcessorTime {
  readonly busy: number;
  readonly all: number;
}

export function processorTime(): ProcessorTime {
  const times = cpus().map(({ times }) => times);
  const sum = (of: (time: (typeof times)[number]) => number) =>
    times.reduce((total, time) => total + of(time), 0) / 1e3;
  const busy = sum(({ user, nice, sys, irq }) => user + nice + sys + irq);
  return { busy, all: busy + sum(({ idle }) => idle) };
}

/** The share of the processors' time between two moments that was not spent by `own` seconds; within 0 and 1. */
export function othersShare(before: ProcessorTime, after: ProcessorTime, own: number): number {
  const all = after.all - before.all;
  if (all <= 0) return 0;
  return Math.min(1, Math.max(0, (after.busy - before.busy - own) / all));
}

/** Threads that compute all the time, each a process, which ends with this one. */
export class BusyThreads implements Disposable {
  private readonly children: readonly ChildProcess[];

  constructor(count: number) {
    const program =
      "const parent = process.ppid; while (process.ppid === parent) for (let i = 0; i < 1e7; i++);";
    this.children = Array.from({ length: count }, () =>
      spawn(process.execPath, ["-e", program], { stdio: "ignore" }),
    );
  }

  /** Seconds that they have computed; undefined where the system does not tell (it is Linux that does). */
  seconds(): number | undefined {
    const each = this.children.map(({ pid }) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
        return (Number(fields[11]) + Number(fields[12])) / 100;
      } catch {
        return Number.NaN;
      }
    });
    const sum = each.reduce((total, seconds) => total + seconds, 0);
    return Number.isNaN(sum) ? undefined : sum;
  }

  [Symbol.dispose](): void {
    for (const child of this.children) child.kill("SIGKILL");
  }
}
