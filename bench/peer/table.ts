// The results as a table in Markdown.
import { largestOf } from "../../src/util/elements.ts";
import type { MeasuredRow, Results } from "./results.ts";
import { clockOf, type Range, speedRange, tokensPerSecond } from "./statistics.ts";

const heads = [
  ...["model", "dtype", "threads", "busy", "by"],
  ...["A tokens/s", "F", "ours", "ours : A, median (least–most)", "ours : F"],
  ...["peak MiB: A", "F", "ours", "others", "load"],
];

/** A table of all rows, and below it what was not measured, and why. */
export function resultsTable(results: Results): string {
  const { rows, failed, leftOut, machine } = results;
  const lines = [heads, heads.map(() => "---"), ...rows.map(cellsOf)].map(
    (cells) => `| ${cells.join(" | ")} |`,
  );
  const rounds = largestOf(rows.map((row) => row.rounds.length));
  const dates = rows.map(({ date }) => date.slice(0, 10)).sort();
  const notes = [
    ...(rows.length === 0
      ? []
      : [
          `${machine}; ${[...new Set([dates[0], dates.at(-1)])].join(" to ")}; up to ${rounds} rounds a row.`,
        ]),
    ...failed.map(({ name, reason }) => `**${name} failed**: ${reason}.`),
    ...leftOutLines(leftOut),
  ];
  return `${lines.join("\n")}\n\n${notes.join("\n\n")}\n`;
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
    load.others === undefined ? "–" : `${(100 * load.others).toFixed(0)} %`,
    load.average.map((average) => average.toFixed(1)).join("–"),
  ];
}

const rangeText = ({ least, median, most }: Range) =>
  `${median.toFixed(2)}× (${least.toFixed(2)}–${most.toFixed(2)})`;
