import { resolve } from "node:path";
import type { Command } from "commander";
import type { Difference, diffRuns, Figure, LossComparison, RunDifference } from "../../run/diff-runs.ts";
import { formatBytes, formatCountOf, formatDuration } from "../../util/format.ts";
import type { Json } from "../../util/json.ts";
import { escapeName } from "../../util/quote.ts";
import { assertRunFolder } from "../check-run-folder.ts";
import { jsonOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { table } from "../terminal/table.ts";
import { truncate } from "../terminal/text-width.ts";

/** Widest value that is shown. */
const maxWidth = 40;

/** `scalora diff`: what differs between two runs. Needs no engine. */
export function addDiff(
  program: Command,
  context: Context,
  load: () => Promise<{ diffRuns: typeof diffRuns }>,
): void {
  program
    .command("diff")
    .description("what differs between two runs: recipe, versions, machine, model, data, losses, results")
    .argument("<run>", "a run's folder")
    .argument("<other-run>", "another run's folder")
    .addOption(jsonOption())
    .action(async (first: string, second: string, { json }: { json?: boolean }) => {
      for (const path of [first, second]) await assertRunFolder(resolve(path));
      const { diffRuns } = await load();
      const difference = diffRuns(first, second);
      if (json) context.json(difference);
      else context.result(differenceText(difference, context));
    });
}

const groups = ["recipe", "versions", "machine", "model", "data"] as const;

function differenceText(difference: RunDifference, { tableStyle }: Context): string {
  const [first, second] = difference.runs.map(escapeName);
  const titles = ["", first ?? "", second ?? ""].map((title) => ({ title }));
  const rows = [
    ...groups.flatMap((group) => groupRows(group, difference[group])),
    ...difference.results.map(figureRow),
  ];
  return [table(titles, rows, tableStyle), "", lossText(difference.losses)].join("\n");
}

function groupRows(group: string, differences: readonly Difference[]): string[][] {
  if (differences.length === 0) return [[group, "equal", ""]];
  return differences.map(({ key, values }) => [`${group}: ${escapeName(key)}`, ...values.map(valueText)]);
}

function valueText(value: Json): string {
  if (value === null) return "–";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return truncate(escapeName(text), maxWidth);
}

function figureRow({ name, values }: Figure): string[] {
  if (name === "seconds")
    return ["time", ...values.map((value) => (value === null ? "–" : formatDuration(value)))];
  if (name === "peak memory in bytes")
    return ["peak memory", ...values.map((value) => (value === null ? "–" : formatBytes(value)))];
  const text = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(4));
  return [name, ...values.map((value) => (value === null ? "–" : text(value)))];
}

function lossText({ common, first, largest }: LossComparison): string {
  if (common === 0) return "losses  the runs have no step in common";
  if (first === null || largest === null)
    return `losses  equal, bit by bit, in ${formatCountOf(common, "step")}`;
  return [
    `losses  differ from step ${first.step} on: ${first.values.join(" and ")}`,
    `        by ${largest.difference.toExponential(2)} at most, at step ${largest.step} (${formatCountOf(common, "step")} in common)`,
  ].join("\n");
}
