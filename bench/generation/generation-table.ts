// Generation beside llama.cpp's, as a table in Markdown.
import { loadCells, markdownTable, measuredOn } from "../peer/markdown.ts";
import type { MeasuredGeneration, Results } from "../peer/results.ts";
import { rangeOf, rangeText } from "../peer/statistics.ts";
import { median } from "../sides.ts";

const heads = [
  ...["model", "threads", "sequences", "by", "node-llama-cpp tokens/s", "ours", "ratio, median (least–most)"],
  ...["peak MiB", "ours", "tokens alike", "others", "load"],
];

/** A line for each row; "" where nothing was measured. */
export function generationTable({ generation: rows, machine }: Results): string {
  if (rows.length === 0) return "";
  const versions = [...new Set(rows.map(({ version }) => version))].join(", ");
  return `${markdownTable(heads, rows.map(cellsOf))}
node-llama-cpp ${versions}; ${measuredOn(machine, rows)}; ${rows[0]?.newTokens} new tokens a sequence.
`;
}

function cellsOf(row: MeasuredGeneration): string[] {
  const { title, threads, sequences, newTokens, seconds, peakMiB, alike, load } = row;
  const speed = (side: "theirs" | "ours") =>
    median(seconds.map((round) => (sequences * (newTokens - 1)) / round[side])).toFixed(1);
  return [
    ...[title, `${threads}`, `${sequences}`, threads === 1 ? "CPU" : "clock", speed("theirs"), speed("ours")],
    rangeText(rangeOf(seconds.map(({ theirs, ours }) => theirs / ours))),
    ...[peakMiB.theirs.toFixed(0), peakMiB.ours.toFixed(0), `${alike} of ${sequences * newTokens}`],
    ...loadCells(load),
  ];
}
