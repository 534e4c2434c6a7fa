// What each technique gives, as a table in Markdown.
import { largestOf } from "../../src/util/elements.ts";
import { groupBy } from "../../src/util/group-by.ts";
import { markdownTable, measuredOn } from "../peer/markdown.ts";
import type { MeasuredTechnique, Results } from "../peer/results.ts";
import { rangeOf, rangeText, slowdownRange } from "../peer/statistics.ts";
import { techniques } from "./techniques.ts";

/** A line for each technique, a column for each model and precision; "" where nothing was measured. */
export function techniquesTable({ techniques: rows, machine }: Results): string {
  if (rows.length === 0) return "";
  const columns = groupBy(rows, ({ title, dtype }) => `${title.replace(/, .*/, "")}, ${dtype}`);
  const heads = [
    "technique",
    "instead",
    ...columns.map(([{ title, dtype }]) => `${title.replace(/, .*/, "")}, ${dtype}`),
  ];
  const lines = techniques
    .filter(({ name }) => rows.some((row) => row.technique === name))
    .map(({ name, title, instead }) => [
      title,
      instead,
      ...columns.map((column) => cellOf(column.find((row) => row.technique === name))),
    ]);
  const loads = rangeOf(rows.flatMap(({ load }) => load.average));
  const rounds = largestOf(rows.map((row) => row.rounds.length));
  return `${markdownTable(heads, lines)}
${measuredOn(machine, rows)}; load ${loads.least.toFixed(1)} to ${loads.most.toFixed(1)}; up to ${rounds} rounds.
`;
}

/** How many times as long a step takes without the technique, and the peak of memory with it and without. */
function cellOf(row: MeasuredTechnique | undefined): string {
  if (row === undefined) return "–";
  const { full, without } = row.peakMiB;
  return `${rangeText(slowdownRange(row))}, ${full.toFixed(0)} → ${without.toFixed(0)} MiB`;
}
