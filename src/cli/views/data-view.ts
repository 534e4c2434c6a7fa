import type { DataPreview, LengthBin, PreviewRow } from "../../recipes/preview-data.ts";
import { formatCount, formatCountOf } from "../../util/format.ts";
import { escapeName } from "../../util/quote.ts";
import type { Paint } from "../terminal/painter.ts";
import { stripControl } from "../terminal/strip-control.ts";
import { type TableStyle, table } from "../terminal/table.ts";

/** Longest text of a row that is shown, in characters. */
const maxText = 3000;
/** Most dropped rows that are named. */
const maxDropped = 10;
const barWidth = 40;

/** The preview of a recipe's data as text. Labels are coloured; where `paint` does not paint, they are between « and ». */
export function dataPreviewText(preview: DataPreview, style: TableStyle): string {
  const { paint } = style;
  const colour = paint("green", "x") !== "x";
  const sections = [
    countsTable(preview, style),
    lengthsText(preview, paint),
    droppedText(preview, paint),
    ...rowsText(preview.rows, paint, colour),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

function countsTable(
  { files, counts, rejected, unknownTokens, batches }: DataPreview,
  style: TableStyle,
): string {
  const rows: string[][] = files.map(({ path, format, rows: count, ignoredColumns }) => {
    const ignored = ignoredColumns.length > 0 ? `; not read: ${ignoredColumns.join(", ")}` : "";
    return ["file", escapeName(`${path} (${format}, ${formatCountOf(count, "row")}${ignored})`)];
  });
  const share = ((100 * counts.labelTokens) / counts.tokens).toFixed(1);
  rows.push(
    ["trained on", formatCountOf(counts.rows, "row")],
    ...(rejected > 0 ? [["left out", formatCountOf(rejected, "rejected answer")]] : []),
    ["held out", formatCountOf(counts.heldOut, "row")],
    [
      "tokens",
      `${formatCount(counts.tokens)}, ${formatCount(counts.labelTokens)} of them labels (${share} %)`,
    ],
    ...(unknownTokens > 0
      ? [["unknown", `${formatCountOf(unknownTokens, "token")}: text that the vocabulary lacks`]]
      : []),
    ["batches", batchesText(batches)],
    ["steps", formatCount(batches.steps)],
  );
  return table([{ title: "data" }, { title: "" }], rows, style);
}

function batchesText({
  inEpoch,
  accumulate,
  batchSize,
  batchTokens,
  filled,
}: DataPreview["batches"]): string {
  const size =
    batchTokens === undefined
      ? `of ${formatCountOf(batchSize ?? 0, "row")}`
      : `of up to ${formatCount(batchTokens)} tokens, ${(100 * (filled ?? 0)).toFixed(1)} % filled`;
  const perStep = accumulate > 1 ? `; ${accumulate} of them a step` : "";
  return `${formatCount(inEpoch)} in an epoch, ${size}${perStep}`;
}

function lengthsText({ lengths, truncated }: DataPreview, paint: Paint): string {
  const { maxLength, quantiles, histogram } = lengths;
  const names = quantiles.map(({ fraction, tokens }) => `${quantileName(fraction)} ${formatCount(tokens)}`);
  return [
    paint("bold", "length of a row, in tokens"),
    names.join("   "),
    `limit ${formatCount(maxLength)}: ${truncated === 0 ? "no row is cut" : `${formatCountOf(truncated, "row")} cut`}`,
    ...histogramLines(histogram, paint),
  ].join("\n");
}

function quantileName(fraction: number): string {
  if (fraction === 0) return "shortest";
  if (fraction === 1) return "longest";
  return fraction === 0.5 ? "median" : `${100 * fraction} %`;
}

function histogramLines(bins: readonly LengthBin[], paint: Paint): string[] {
  const most = Math.max(...bins.map(({ rows }) => rows));
  const label = ({ from, to }: LengthBin) => (from === to ? String(from) : `${from}–${to}`);
  const width = Math.max(...bins.map((bin) => label(bin).length));
  return bins.map((bin) => {
    const bar = "█".repeat(Math.ceil((barWidth * bin.rows) / most));
    return `${label(bin).padStart(width)}  ${paint("cyan", bar)} ${formatCount(bin.rows)}`;
  });
}

function droppedText({ dropped, warnings }: DataPreview, paint: Paint): string {
  const named = dropped
    .slice(0, maxDropped)
    .map(({ source, reason }) => `  ${escapeName(source)}: ${reason}`);
  const more = dropped.length - maxDropped;
  const rows =
    dropped.length === 0
      ? []
      : [
          `${formatCountOf(dropped.length, "row")} dropped:`,
          ...named,
          ...(more > 0 ? [`  and ${more} more`] : []),
        ];
  // The warnings on dropped, rejected and cut rows say the same in fewer words.
  const others = warnings.filter(
    (text) => !/^(?!data\.eval: ).* (dropped: |left out$|truncated to data\.maxLength$)/.test(text),
  );
  return [...rows, ...others.map((text) => `${paint("yellow", "warning:")} ${escapeName(text)}`)].join("\n");
}

function rowsText(rows: readonly PreviewRow[], paint: Paint, colour: boolean): string[] {
  if (rows.length === 0) return [];
  const isClassification = rows.some(({ label }) => label !== undefined);
  const legend = colour
    ? `${paint("green", "trained on")}, ${paint("dim", "not trained on")}, ${paint("cyan", "special token")}`
    : "the tokens between « and » are trained on";
  const head = isClassification ? paint("bold", "rows") : `${paint("bold", "rows")}  (${legend})`;
  return [head, ...rows.map((row) => rowText(row, paint, colour))];
}

function rowText(row: PreviewRow, paint: Paint, colour: boolean): string {
  const { source, tokens, labelTokens, label } = row;
  const what =
    label === undefined
      ? `${labelTokens} of ${tokens} tokens trained on`
      : `${formatCountOf(tokens, "token")}, label ${label}`;
  const text = segmentsText(row, paint, colour);
  return `${paint("bold", escapeName(source))}  ${what}\n${text.replaceAll(/^/gm, "  ")}`;
}

function segmentsText({ segments }: PreviewRow, paint: Paint, colour: boolean): string {
  const pieces: string[] = [];
  let room = maxText;
  let isOpen = false;
  for (const { text, isLabel, isSpecial } of segments) {
    const shown = stripControl(text.slice(0, Math.max(0, room)));
    room -= text.length;
    if (!colour && isLabel !== isOpen) pieces.push(isLabel ? "«" : "»");
    isOpen = isLabel;
    const style = isLabel ? "green" : "dim";
    // Each line is painted alone, so that the indentation of the next stays plain.
    pieces.push(
      shown
        .split("\n")
        .map((line) => (line === "" ? "" : paint(isSpecial ? "cyan" : style, line)))
        .join("\n"),
    );
  }
  if (!colour && isOpen) pieces.push("»");
  const left = room < 0 ? ` … and ${formatCountOf(-room, "more character")} (--json shows all)` : "";
  return pieces.join("") + left;
}
