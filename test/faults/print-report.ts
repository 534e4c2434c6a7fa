import type { Tally } from "./bench.ts";
import type { DamageReport } from "./damages.ts";
import type { DiskReport } from "./disk.ts";
import type { KillReport } from "./kills.ts";

export interface FaultReport {
  readonly seed: number;
  readonly cores: number;
  readonly cases: number;
  readonly kills: KillReport;
  readonly disk: DiskReport & { readonly skipped?: string };
  readonly damages: DamageReport;
  readonly seconds: number;
}

/** Prints the report as text. @returns the number of mismatches */
export function printReport({ seed, cores, cases, kills, disk, damages, seconds }: FaultReport): number {
  const mismatches = [...kills.mismatches, ...disk.mismatches, ...damages.mismatches];
  const lines = [
    `seed ${seed}, ${cores} cores, ${cases} recipes, ${Math.round(seconds)} s`,
    "",
    `kills: ${kills.kills}, in ${kills.runs} runs; ${kills.resumes} resumes from a checkpoint`,
    ...table(kills.byPhase),
    ...table(kills.byDtype),
    ...table(kills.byMethod),
    "",
    `failing disks: ${disk.failures} processes stopped by one, ${disk.unhurt} not`,
    ...(disk.skipped === undefined ? [] : [`  skipped: ${disk.skipped}`]),
    "",
    `damages: ${damages.damages}; ${damages.same} resumes came to the same end, ${damages.refused} were refused with a clear error`,
    ...table(damages.byKind),
    "",
    `mismatches: ${mismatches.length}`,
    ...mismatches.map((line) => `  ${line}`),
  ];
  console.log(lines.join("\n"));
  return mismatches.length;
}

const table = (tally: Tally) =>
  Object.entries(tally)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `  ${name.padEnd(36)} ${String(count).padStart(5)}`);
