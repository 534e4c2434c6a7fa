import { type Chart, type Headline, type ReportData, runCharts } from "../report/index.ts";
import { readEvents } from "../run/read-events.ts";
import { formatBytes, formatCount } from "../util/format.ts";
import type { Setting } from "./method-settings.ts";
import type { CompareRow } from "./summary.ts";
import { bestResult, sweepResults, type TrialResult } from "./trials.ts";

/** Titles of the columns that `tableCells` fills. */
export const compareColumns = [
  { title: "setting" },
  ...["lr", "result", "seeds", "trainable", "step", "memory", "rank"].map((title) => ({
    title,
    align: "right" as const,
  })),
];

/** A row of the table, for the terminal and the HTML page. */
export function tableCells(row: CompareRow): string[] {
  const spread = row.deviation === null ? "" : ` ± ${metricText(row, row.deviation)}`;
  return [
    row.setting,
    `${row.lr}${row.atEdge ? " *" : ""}`,
    `${metricText(row, row.mean)}${spread}`,
    String(row.seeds),
    row.trainable === null ? "–" : formatCount(row.trainable),
    row.secondsPerStep === null ? "–" : `${(1000 * row.secondsPerStep).toPrecision(3)} ms`,
    row.memory === null ? "–" : formatBytes(row.memory),
    row.rank === null ? "–" : row.rank.toFixed(1),
  ];
}

/** A score in percent, or a loss. */
function metricText({ figure }: CompareRow, value: number): string {
  return figure === "score" ? `${(100 * value).toFixed(2)} %` : value.toFixed(4);
}

/** Explains the table's figures. */
export function tableRemark(rows: readonly CompareRow[]): string {
  const figure = rows[0]?.figure === "loss" ? "the lowest held-out loss" : "the best checkpoint's score";
  const edge = rows.some(({ atEdge }) => atEdge)
    ? " * The best rate is at the end of its sweep: rates beyond it may be better."
    : "";
  return `Result: ${figure}, mean ± standard deviation over the seeds, at the rate that was best on the first seed.${edge}`;
}

/** The best setting, and whether the seeds tell it apart from the next. */
export function compareHeadline(rows: readonly CompareRow[]): Headline | null {
  const sign = rows[0]?.figure === "score" ? -1 : 1;
  const [best, second] = rows.toSorted((a, b) => sign * (a.mean - b.mean));
  if (best === undefined) return null;
  const name = best.figure === "score" ? "score" : "held-out loss";
  const text = (row: CompareRow) => tableCells(row)[2];
  if (second === undefined)
    return { text: `${best.setting} has a ${name} of ${text(best)}`, certainty: "", tone: "result" };
  return {
    text: `${best.setting} is best: its ${name} is ${text(best)}, that of ${second.setting} ${text(second)}`,
    certainty: differenceText(best, second),
    tone: "result",
  };
}

/** Compares a difference of means with its standard error (Welch). */
function differenceText(best: CompareRow, second: CompareRow): string {
  if (best.deviation === null || second.deviation === null)
    return "One seed each: the difference may be chance. More seeds (--seeds) would tell.";
  const error = Math.sqrt(best.deviation ** 2 / best.seeds + second.deviation ** 2 / second.seeds);
  const ratio = Math.abs(best.mean - second.mean) / error;
  if (!(ratio > clearDifference))
    return "The difference is no larger than the spread between seeds: they do not tell which is better.";
  return `The difference is ${Number.isFinite(ratio) ? `${ratio.toFixed(1)} times` : "far above"} its standard error over the seeds (${best.seeds} and ${second.seeds}).`;
}

/** Standard errors above which a difference is called clear. Few seeds need more than the 1.96 of many: t is 2.8 for 3 + 3. */
const clearDifference = 2.8;

/** The comparison as a page: table, sweeps, and the curves of each setting's best run on the first seed. */
export function compareReport(
  title: string,
  settings: readonly Setting[],
  seeds: readonly number[],
  results: readonly TrialResult[],
  rows: readonly CompareRow[],
): ReportData {
  const runs = settings.flatMap((setting) => {
    const best = bestResult(sweepResults(setting, seeds, results));
    return best === undefined ? [] : [{ name: setting.name, events: readEvents(best.folder) }];
  });
  return {
    title,
    headline: compareHeadline(rows),
    facts: [
      { label: "Runs", value: String(results.length) },
      { label: "Seeds", value: seeds.join(", ") },
      { label: "Failed runs", value: String(results.filter(({ failed }) => failed !== null).length) },
    ],
    tables: [
      {
        title: "The methods compared",
        columns: compareColumns,
        rows: rows.map(tableCells),
        note: tableRemark(rows),
      },
    ],
    charts: [...sweepChart(rows), ...runCharts(runs)],
    samples: [],
  };
}

/** The first seed's figure over the learning rate. */
function sweepChart(rows: readonly CompareRow[]): Chart[] {
  const series = rows
    .filter(({ sweep }) => sweep.length > 1)
    .map(({ setting, sweep }) => ({
      name: setting,
      x: sweep.map(({ lr }) => Math.log10(lr)),
      y: sweep.map(({ value }) => value),
    }));
  if (series.length === 0) return [];
  return [
    {
      title: "Sweep of the learning rate",
      xLabel: "log10 of the learning rate",
      yLabel: rows[0]?.figure ?? "score",
      series,
    },
  ];
}
