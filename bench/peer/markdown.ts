// What the tables of results share.
import type { MeasuredRow } from "./results.ts";

export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`);
  return lines.join("");
}

/** The machine, and the days from the first row to the last. */
export function measuredOn(machine: string, rows: readonly { readonly date: string }[]): string {
  const dates = rows.map(({ date }) => date.slice(0, 10)).sort();
  return `${machine}; ${[...new Set([dates[0], dates.at(-1)])].join(" to ")}`;
}

/** What others took of the processors, and the load averages before and after. */
export function loadCells({ others, average }: MeasuredRow["load"]): [string, string] {
  return [
    others === undefined ? "–" : `${(100 * others).toFixed(0)} %`,
    average.map((each) => each.toFixed(1)).join("–"),
  ];
}
