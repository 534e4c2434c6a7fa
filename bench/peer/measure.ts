// One row: ours, A and F compute the same first, then they take turns.
import { join } from "node:path";
import { elementAt, required } from "../../src/util/elements.ts";
import { type Checked, checkDifference, checkLosses, DifferentResults } from "./compare.ts";
import type { StepRow } from "./plan.ts";
import type { PreparedModel } from "./prepare.ts";
import { type MeasuredRow, type SideName, sideNames } from "./results.ts";
import { type Bench, describeRow, differenceOf, startStep } from "./start-step.ts";
import { type Answers, type Sides, secondsOf, takeTurns } from "./turns.ts";

/** Measures a row. @throws DifferentResults */
export async function measureRow(
  row: StepRow,
  prepared: PreparedModel,
  reference: Checked,
  bench: Bench,
): Promise<MeasuredRow> {
  const { model, dtype, threads, busy } = row;
  const start = (side: SideName) => startStep(side, { prepared, dtype, threads }, bench);
  const sides = new Map(sideNames.map((side) => [side, start(side)]));
  try {
    const differences = await checkSides(row, sides, reference, bench);
    const { rounds, load } = await takeTurns(sides, { rounds: bench.rounds, busy });
    const last = elementAt(rounds, rounds.length - 1);
    const losses = model.task === "chat" ? compareLosses(row, rounds) : undefined;
    return {
      ...describeRow(row, prepared),
      differences,
      ...(losses !== undefined && { losses }),
      rounds: rounds.map((answer) => bySide((side) => secondsOf(answer(side)))),
      peakMiB: bySide((side) => last(side).peakMiB),
      notes: bySide((side) => last(side).note),
      load,
    };
  } finally {
    for (const side of sides.values()) side.end();
  }
}

function bySide<Value>(make: (side: SideName) => Value): Record<SideName, Value> {
  return { A: make("A"), ours: make("ours"), F: make("F") };
}

async function checkSides(
  row: StepRow,
  sides: Sides<SideName>,
  reference: Checked,
  { scratch }: Bench,
): Promise<MeasuredRow["differences"]> {
  const found = new Map<SideName, MeasuredRow["differences"][SideName]>();
  for (const [name, side] of sides)
    found.set(name, await differenceOf(side, name, reference, join(scratch, `${row.name}-${name}`)));
  const differences = bySide((side) => required(found.get(side), side));
  for (const side of ["ours", "F"] as const) {
    const wrong = checkDifference(row.dtype, differences[side], differences.A);
    if (wrong !== undefined) throw new DifferentResults(`${side}: ${wrong}`);
  }
  return differences;
}

/** The largest differences of the losses of all timed steps. */
function compareLosses(row: StepRow, rounds: readonly Answers<SideName>[]) {
  const lossesOf = (side: SideName) => rounds.flatMap((answer) => answer(side).losses);
  const differenceTo = (side: SideName) => checkLosses(row.dtype, side, lossesOf(side), lossesOf("A"));
  return { ours: differenceTo("ours"), F: differenceTo("F") };
}
