// One row: the sides compute the same first, then they take turns.

import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runsTypeScript } from "../../src/testing/child-process.ts";
import { elementAt } from "../../src/util/elements.ts";
import { type Side, startSide } from "../sides.ts";
import { batchesFile, countTokens } from "./batches.ts";
import { type Checked, checkDifference, compare, largestLossDifference, lossTolerances } from "./compare.ts";
import { BusyThreads, othersShare, processorTime } from "./machine-load.ts";
import type { PlanRow } from "./plan.ts";
import type { PreparedModel } from "./prepare.ts";
import { type MeasuredRow, type SideName, sideNames } from "./results.ts";
import { type SideAnswer, sideAnswer } from "./side-files.ts";

/** What a row needs. */
export interface Bench {
  readonly python: string;
  readonly rounds: number;
  /** A folder for the files of this row. */
  readonly scratch: string;
}

type BySide<Value> = Readonly<Record<SideName, Value>>;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** What a user or a tuner sets in the environment. Ours: what the command line sets. */
const environments: BySide<NodeJS.ProcessEnv> = {
  A: {},
  ours: { OMP_WAIT_POLICY: "passive" },
  F: {
    OMP_WAIT_POLICY: "passive",
    MALLOC_MMAP_THRESHOLD_: "8589934592",
    MALLOC_TRIM_THRESHOLD_: "8589934592",
  },
};

/** Thrown where a side does not compute the same. */
export class DifferentResults extends Error {}

/**
 * The loss and gradients of A in float32, which all sides are compared with.
 * @param bench.scratch keeps the gradients
 */
export async function referenceOf(prepared: PreparedModel, bench: Bench): Promise<Checked> {
  const side = start("A", { prepared, dtype: "float32", threads: 1 }, bench);
  try {
    return await check(side, join(bench.scratch, "reference"));
  } finally {
    side.end();
  }
}

/** Measures a row. @throws DifferentResults */
export async function measureRow(
  row: PlanRow,
  prepared: PreparedModel,
  reference: Checked,
  bench: Bench,
): Promise<MeasuredRow> {
  const { name, model, dtype, threads, busy } = row;
  const average = elementAt(loadavg(), 0);
  const sides = bySide((side) => start(side, { prepared, dtype, threads }, bench));
  try {
    const differences = await checkSides(row, sides, reference, bench);
    using others = new BusyThreads(busy);
    const { rounds, share } = await takeTurns(sides, others, bench.rounds);
    const last = elementAt(rounds, rounds.length - 1);
    const losses = model.task === "chat" ? compareLosses(row, rounds) : undefined;
    return {
      ...{ name, title: model.title, dtype, threads, busy, date: new Date().toISOString() },
      ...countTokens(batchesFile.parse(JSON.parse(readFileSync(prepared.batches, "utf8")))),
      differences,
      ...(losses !== undefined && { losses }),
      rounds: rounds.map((round) => bySide((side) => ({ cpu: round[side].cpu, wall: round[side].wall }))),
      peakMiB: bySide((side) => last[side].peakMiB),
      notes: bySide((side) => last[side].note),
      load: {
        average: [average, elementAt(loadavg(), 0)],
        ...(share !== undefined && { others: share }),
      },
    };
  } finally {
    for (const side of Object.values(sides)) side.end();
  }
}

function bySide<Value>(make: (side: SideName) => Value): Record<SideName, Value> {
  return { A: make("A"), ours: make("ours"), F: make("F") };
}

function start(
  side: SideName,
  { prepared, dtype, threads }: { prepared: PreparedModel } & Pick<PlanRow, "dtype" | "threads">,
  { python, scratch }: Bench,
): Side<SideAnswer> {
  const job = join(scratch, `${side}-job.json`);
  writeFileSync(job, JSON.stringify({ ...prepared, dtype }));
  const [command, ...args] =
    side === "ours"
      ? [process.execPath, ...runsTypeScript, here("ours.ts")]
      : [python, here("theirs.py"), side];
  const env = { ...process.env, ...environments[side], OMP_NUM_THREADS: `${threads}` };
  return startSide(sideAnswer, command, [...args, job], { core: undefined, env });
}

async function check(side: Side<SideAnswer>, gradients: string): Promise<Checked> {
  const { losses } = await side.ask(`check ${gradients}`);
  return { loss: elementAt(losses, 0), gradients };
}

async function checkSides(
  row: PlanRow,
  sides: BySide<Side<SideAnswer>>,
  reference: Checked,
  { scratch }: Bench,
): Promise<MeasuredRow["differences"]> {
  const differenceOf = async (side: SideName) =>
    compare(reference, await check(sides[side], join(scratch, `${row.name}-${side}`)));
  const found = { A: await differenceOf("A"), ours: await differenceOf("ours"), F: await differenceOf("F") };
  for (const side of sideNames) {
    const { loss, gradient, tensor } = found[side];
    console.error(
      `  ${side}: loss ${loss.toExponential(1)}, worst gradient ${gradient.toExponential(1)} (${tensor})`,
    );
  }
  for (const side of ["ours", "F"] as const) {
    const wrong = checkDifference(row.dtype, found[side], found.A);
    if (wrong !== undefined) throw new DifferentResults(`${side}: ${wrong}`);
  }
  return found;
}

/** Rounds of A, ours and F, and the share of the processors' time that neither they nor our busy threads took. */
async function takeTurns(sides: BySide<Side<SideAnswer>>, busy: BusyThreads, count: number) {
  const rounds: BySide<SideAnswer>[] = [];
  const shares: number[] = [];
  const turn = async (side: SideName) => {
    const [before, ofBusy] = [processorTime(), busy.seconds()];
    const answer = await sides[side].ask("time");
    const busySeconds = (busy.seconds() ?? Number.NaN) - (ofBusy ?? Number.NaN);
    shares.push(othersShare(before, processorTime(), answer.cpu + busySeconds));
    return answer;
  };
  for (const side of sideNames) await sides[side].ask("warm");
  for (let round = 0; round < count; round++) {
    const answers = { A: await turn("A"), ours: await turn("ours"), F: await turn("F") };
    const seconds = sideNames.map(
      (side) => `${side} ${answers[side].cpu.toFixed(2)} / ${answers[side].wall.toFixed(2)}`,
    );
    console.error(`  round ${round + 1}, CPU / wall seconds: ${seconds.join(", ")}`);
    rounds.push(answers);
  }
  const share = shares.reduce((sum, each) => sum + each, 0) / shares.length;
  return { rounds, share: Number.isNaN(share) ? undefined : share };
}

/** The largest differences of the losses of all timed steps. */
function compareLosses(row: PlanRow, rounds: readonly BySide<SideAnswer>[]) {
  const lossesOf = (side: SideName) => rounds.flatMap((round) => round[side].losses);
  const differenceOf = (side: SideName) => largestLossDifference(lossesOf(side), lossesOf("A"));
  const found = { ours: differenceOf("ours"), F: differenceOf("F") };
  for (const side of ["ours", "F"] as const)
    if (!(found[side] <= lossTolerances[row.dtype]))
      throw new DifferentResults(
        `${side}: losses differ by ${found[side].toExponential(1)} after some steps`,
      );
  return found;
}
