// The results as a picture: how many times as fast as A each row's sides are, on a logarithmic axis.
import { largestOf } from "../../src/util/elements.ts";
import type { MeasuredRow } from "./results.ts";
import { type Range, speedRange } from "./statistics.ts";

const [width, left, right, top, rowHeight] = [820, 330, 24, 56, 22];
const sides = [
  { side: "F", label: "transformers + PEFT tuned by hand, exact (F)", colour: "#d97706" },
  { side: "ours", label: "scalora", colour: "#2563eb" },
] as const;

/** An SVG: a line for each row, with the median of each side as a dot and the least and the most as the ends of a stroke. */
export function resultsChart(rows: readonly MeasuredRow[]): string {
  const shown = rows.map((row) => ({
    label: labelOf(row),
    ranges: sides.map(({ side, colour }) => ({ colour, range: speedRange(row, side, "A") })),
  }));
  const ranges = shown.flatMap((row) => row.ranges.map(({ range }) => range));
  const x = axis(
    Math.min(1, ...ranges.map(({ least }) => least)),
    largestOf([2, ...ranges.map(({ most }) => most)]),
  );
  const bottom = top + rowHeight * shown.length;
  const height = bottom + 44;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img">`,
    "<title>Speed of a LoRA step relative to transformers + PEFT</title>",
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...legend(),
    ...x.ticks.flatMap((tick) => gridLine(x.at(tick), bottom, `${tick}×`, tick === 1)),
    ...shown.flatMap(({ label, ranges: each }, i) => {
      const y = top + rowHeight * (i + 0.5);
      return [
        text(left - 12, y + 4, label, "end"),
        ...each.flatMap(({ colour, range }) => mark(range, y, colour, x.at)),
      ];
    }),
    text(left, height - 8, "times as fast as transformers + PEFT with its defaults (A)", "start", "#4b5563"),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

const labelOf = ({ title, dtype, threads, busy }: MeasuredRow) =>
  [
    `${title.replace(/, .*/, "")} ${dtype}`,
    `${threads} thread${threads === 1 ? "" : "s"}`,
    ...(busy === 0 ? [] : ["busy machine"]),
  ].join(", ");

/** A logarithmic axis over a range, and its ticks. */
function axis(least: number, most: number) {
  const [low, high] = [Math.log(least * 0.95), Math.log(most * 1.05)];
  const at = (value: number) => left + ((Math.log(value) - low) / (high - low)) * (width - left - right);
  const ticks = [0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20].filter((tick) => tick >= least && tick <= most);
  return { at, ticks };
}

function legend(): string[] {
  return sides.flatMap(({ label, colour }, i) => [
    `<circle cx="${left + 6}" cy="${16 + 18 * i}" r="5" fill="${colour}"/>`,
    text(left + 18, 20 + 18 * i, label),
  ]);
}

function gridLine(x: number, bottom: number, label: string, strong: boolean): string[] {
  const at = x.toFixed(1);
  return [
    `<line x1="${at}" y1="${top}" x2="${at}" y2="${bottom}" stroke="${strong ? "#6b7280" : "#e5e7eb"}"/>`,
    text(x, bottom + 16, label, "middle", "#4b5563"),
  ];
}

function mark(
  { least, median, most }: Range,
  y: number,
  colour: string,
  at: (value: number) => number,
): string[] {
  const [from, middle, to] = [least, median, most].map((value) => at(value).toFixed(1));
  return [
    `<line x1="${from}" y1="${y}" x2="${to}" y2="${y}" stroke="${colour}" stroke-width="3" stroke-opacity="0.45"/>`,
    `<circle cx="${middle}" cy="${y}" r="5" fill="${colour}"/>`,
  ];
}

export function text(x: number, y: number, content: string, anchor = "start", colour = "#111827"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" fill="${colour}">${escaped}</text>`;
}
