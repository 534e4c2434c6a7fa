// The results as a table in Markdown.
import { largestOf } from "../../src/util/elements.ts";
import { loadCells, markdownTable, measuredOn } from "./markdown.ts";
import type { MeasuredRow, Results } from "./results.ts";
import { clockOf, rangeText, speedRange, tokensPerSecond } from "./statistics.ts";

const heads = [
  ...["model", "dtype", "threads", "busy", "by"],
  ...["A tokens/s", "F", "ours", "ours : A, median (least–most)", "ours : F"],
  ...["peak MiB: A", "F", "ours", "others", "load"],
];

/** A table of all rows, and below it what was not measured, and why. */
export function resultsTable(results: Results): string {
  const { rows, failed, leftOut, machine } = results;
  const rounds = largestOf(rows.map((row) => row.rounds.length));
  const notes = [
    ...(rows.length === 0 ? [] : [`${measuredOn(machine, rows)}; up to ${rounds} rounds a row.`]),
    ...failed.map(({ name, reason }) => `**${name} failed**: ${reason}.`),
    ...leftOutLines(leftOut),
  ];
  return `${markdownTable(heads, rows.map(cellsOf))}\n${notes.join("\n\n")}\n`;
}

/** One line for all rows that lack the same. */
function leftOutLines(leftOut: Results["leftOut"]): string[] {
  const reasons = [...new Set(leftOut.map(({ reason }) => reason))];
  return reasons.map((reason) => {
    const names = leftOut.filter((row) => row.reason === reason).map(({ name }) => name);
    return `Left out (${reason}): ${names.join(", ")}.`;
  });
}

function cellsOf(row: MeasuredRow): string[] {
  const { title, dtype, threads, busy, peakMiB, load } = row;
  const speed = (side: "A" | "F" | "ours") => tokensPerSecond(row, side).toFixed(0);
  const memory = (side: "A" | "F" | "ours") => peakMiB[side].toFixed(0);
  return [
    ...[title, dtype, `${threads}`, busy === 0 ? "" : `${busy}`, clockOf(row) === "cpu" ? "CPU" : "clock"],
    ...[speed("A"), speed("F"), speed("ours")],
    ...[rangeText(speedRange(row, "ours", "A")), rangeText(speedRange(row, "ours", "F"))],
    ...[memory("A"), memory("F"), memory("ours")],
    ...loadCells(load),
  ];
}
