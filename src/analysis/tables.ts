import type { ReportTable } from "../report/index.ts";
import { elementAt } from "../util/elements.ts";
import {
  type AnalysisRecord,
  type BranchCounts,
  branchTotals,
  type MinMeanMax,
  minMeanMax,
} from "./analysis-record.ts";
import type { AnalysedEvent, AnalysisResult } from "./analysis-request.ts";

/** Maximum rows of a table over the steps, not counting the end's. */
const mostRows = 6;

/** The figures as tables; figures without data are left out. */
export function analysisTables({ events, records, end, cost, hint }: AnalysisResult): ReportTable[] {
  return [
    rankTable(records, end, hint),
    gradientTable(records),
    branchTable(records),
    factorTable(records),
    distanceTable(records),
    eventTable(events),
    costTable(cost),
  ].filter(({ rows }) => rows.length > 0);
}

const columnsOf = (...titles: string[]) =>
  titles.map((title, i) => ({ title, align: i === 0 ? ("left" as const) : ("right" as const) }));

/** Evenly spaced rows, including the first and the last. */
function thinned<T>(rows: readonly T[]): T[] {
  if (rows.length <= mostRows) return [...rows];
  const last = rows.length - 1;
  return Array.from({ length: mostRows }, (_, i) => elementAt(rows, Math.round((i * last) / (mostRows - 1))));
}

const spreadText = ({ least, mean, largest }: MinMeanMax, text: (value: number) => string) => [
  text(mean),
  text(least),
  text(largest),
];
/** A step, and whether its ranks are only lower bounds. */
const stepLabel = (step: number, { complete }: { complete: boolean }) =>
  `${step}${complete ? "" : " (at least)"}`;
const formatRank = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const figure = (value: number) => value.toPrecision(3);

function rankTable(
  records: readonly AnalysisRecord[],
  end: AnalysisResult["end"],
  hint: string | null,
): ReportTable {
  const rows = thinned(records).map(({ step, change }) => [
    stepLabel(step, change),
    ...spreadText(change.rank, formatRank),
    change.entropyRank.toFixed(2),
  ]);
  const ranks = minMeanMax(end.layers.map(({ rank }) => rank));
  rows.push([`${end.step}, exact`, ...spreadText(ranks, formatRank), end.entropyRank.toFixed(2)]);
  return {
    title: "Rank of the accumulated change (Fig. 2b)",
    columns: columnsOf("step", "rank, mean", "least", "largest", "entropy rank"),
    rows,
    note: `Over ${end.layers.length} layers: singular values above 1 % of the largest.${hint === null ? "" : ` ${hint}`}`,
  };
}

function gradientTable(records: readonly AnalysisRecord[]): ReportTable {
  const rows = thinned(
    records.flatMap(({ step, gradient }) => (gradient === null ? [] : [{ step, gradient }])),
  ).map(({ step, gradient }) => [
    stepLabel(step, gradient),
    ...spreadText(gradient.rank, formatRank).slice(0, 2),
    gradient.enough === null ? "–" : percent(gradient.enough),
    ...(gradient.share === null ? ["–", "–"] : spreadText(gradient.share, percent).slice(0, 2)),
    gradient.signal === null ? "–" : figure(gradient.signal),
  ]);
  return {
    title: "Rank of the full gradient against 2r (Fig. 2c)",
    columns: columnsOf("step", "rank, mean", "min", "layers ≥ 2r", "energy in 2r, mean", "min", "φ, mean"),
    rows,
    note: "Theorem 3.2 assumes that a gradient has rank at least 2r. φ: cosine of two halves of a step outside the factors, where there are several micro-batches.",
  };
}

const branchColumns = [
  ["columns", ["column"]],
  ["columns, non-negative", ["nnls"]],
  ["scalar", ["scalar"]],
  ["optimum", ["oracle"]],
] as const;

function branchTable(records: readonly AnalysisRecord[]): ReportTable {
  const shareOf = (counts: BranchCounts, names: readonly string[]) => {
    const all = Object.values(counts).reduce((sum, times) => sum + times, 0);
    return names.reduce((sum, name) => sum + (counts[name] ?? 0), 0) / all;
  };
  const rows = Object.entries(branchTotals(records)).map(([who, counts]) => {
    const shares = branchColumns.map(([, names]) => shareOf(counts, names));
    const alone = 1 - shares.reduce((sum, share) => sum + share, 0);
    const name = who === "run" ? "as this run did" : `policy ${who}`;
    return [name, ...[...shares, Math.max(0, alone)].map(percent)];
  });
  return {
    title: "How layers are scaled (Fig. 2d)",
    columns: columnsOf("", ...branchColumns.map(([title]) => title), "left alone"),
    rows,
    note: `Fraction of layers over ${records.length} recorded events. For policy paper, columns is the fraction with a feasible column scaling.`,
  };
}

function factorTable(records: readonly AnalysisRecord[]): ReportTable {
  const cells = (list: readonly number[] | null) =>
    list === null ? ["–", "–", "–"] : [0, 2, 4].map((at) => figure(elementAt(list, at)));
  const rows = thinned(records.filter(({ scaling }) => scaling?.alpha)).map(({ step, scaling }) => [
    String(step),
    ...cells(scaling?.alpha ?? null),
    ...cells(scaling?.beta ?? null),
  ]);
  return {
    title: "Factors α (columns of A) and β (columns of B)",
    columns: columnsOf("step", "α least", "median", "largest", "β least", "median", "largest"),
    rows,
    note: "The paper expects factors close to 1.",
  };
}

function distanceTable(records: readonly AnalysisRecord[]): ReportTable {
  const rows = thinned(records).flatMap(({ step, scaling }) =>
    scaling?.distance
      ? [
          [
            String(step),
            figure(scaling.distance.unscaled),
            figure(scaling.distance.chosen),
            figure(scaling.distance.optimum),
          ],
        ]
      : [],
  );
  return {
    title: "Distance to the full-gradient step, as a fraction of that step",
    columns: columnsOf("step", "no scaling", "as chosen", "optimum (Theorem 3.2)"),
    rows,
    note: "‖G/L − ηs²(GB̃B̃ᵀ + ÃÃᵀG)‖ / ‖G/L‖, mean over layers, L as implied by the column norm ρ; 1 means no update at all.",
  };
}

/** Runs of versions that did not record these have none. */
function eventTable(events: readonly AnalysedEvent[]): ReportTable {
  const cell = (value: number | null) => (value === null ? "–" : figure(value));
  const rows = thinned(events.filter(({ columnSteps }) => columnSteps !== null)).map((event) => [
    String(event.step),
    ...[event.rho, event.columnSteps, event.normGrowth, event.growthOverNoise].map(cell),
    ...[event.loss, event.nextLoss].map(cell),
  ]);
  return {
    title: "What events tell about the scale",
    columns: columnsOf("step", "ρ", "k", "ν", "E", "loss", "one step later"),
    rows,
    note: "k: column length in steps; ν: growth of the norm since the last event; E: that growth over a random walk's. Means over all layers; the two losses are of two batches.",
  };
}

function costTable(cost: AnalysisResult["cost"]): ReportTable {
  const rows =
    cost === null
      ? []
      : [
          [
            String(cost.records),
            `${cost.seconds.toFixed(2)} s`,
            cost.share === null ? "–" : percent(cost.share),
          ],
        ];
  return {
    title: "Cost of the analysis",
    columns: columnsOf("records", "time", "fraction of the run"),
    rows,
  };
}
