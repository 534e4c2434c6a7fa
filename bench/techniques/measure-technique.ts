// Our step with and without a technique: both compute the same first, then they take turns.
import { join } from "node:path";
import { elementAt } from "../../src/util/elements.ts";
import { type Checked, checkDifference, checkLosses, DifferentResults } from "../peer/compare.ts";
import type { TechniqueRow } from "../peer/plan.ts";
import type { PreparedModel } from "../peer/prepare.ts";
import type { MeasuredTechnique } from "../peer/results.ts";
import { type Bench, describeRow, differenceOf, startStep } from "../peer/start-step.ts";
import { secondsOf, takeTurns } from "../peer/turns.ts";

type FormName = "full" | "without";

/** Measures a row. @throws DifferentResults */
export async function measureTechnique(
  row: TechniqueRow,
  prepared: PreparedModel,
  reference: Checked,
  bench: Bench,
): Promise<MeasuredTechnique> {
  const { name, dtype, threads, busy, technique } = row;
  const step = { prepared, dtype, threads };
  const [full, without] = [startStep("ours", step, bench), startStep("ours", step, bench, technique)];
  try {
    const gradients = (form: FormName) => join(bench.scratch, `${name}-${form}`);
    const differences = {
      full: await differenceOf(full, "full", reference, gradients("full")),
      without: await differenceOf(without, "without", reference, gradients("without")),
    };
    const wrong = checkDifference(dtype, differences.without, differences.full);
    if (wrong !== undefined) throw new DifferentResults(wrong);
    const sides = new Map<FormName, typeof full>([
      ["full", full],
      ["without", without],
    ]);
    const { rounds, load } = await takeTurns(sides, { rounds: bench.rounds, busy });
    const last = elementAt(rounds, rounds.length - 1);
    const lossesOf = (form: FormName) => rounds.flatMap((answer) => answer(form).losses);
    const both = <Value>(make: (form: FormName) => Value) => ({
      full: make("full"),
      without: make("without"),
    });
    return {
      ...describeRow(row, prepared),
      technique: technique.name,
      differences,
      losses: checkLosses(dtype, "without", lossesOf("without"), lossesOf("full")),
      rounds: rounds.map((answer) => both((form) => secondsOf(answer(form)))),
      peakMiB: both((form) => last(form).peakMiB),
      notes: both((form) => last(form).note),
      load,
    };
  } finally {
    full.end();
    without.end();
  }
}
