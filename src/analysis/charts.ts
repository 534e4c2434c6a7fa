import type { Chart, Series } from "../report/index.ts";
import { type AnalysisRecord, minMeanMax, policies } from "./analysis-record.ts";
import type { AnalysisResult } from "./analysis-request.ts";

/** The figures over the steps; those without data are left out. */
export function analysisCharts({ records, end }: AnalysisResult): Chart[] {
  return [
    rankChart(records, end),
    gradientChart(records),
    shareChart(records),
    signalChart(records),
    branchChart(records),
    factorChart(records),
    distanceChart(records),
  ].filter(({ series }) => series.length > 0);
}

/** A line over the records that have a value. */
function line(
  name: string,
  records: readonly AnalysisRecord[],
  value: (look: AnalysisRecord) => number | null | undefined,
): Series {
  const points = records.flatMap((look) => {
    const y = value(look);
    return typeof y === "number" ? [{ x: look.step, y }] : [];
  });
  return { name, x: points.map(({ x }) => x), y: points.map(({ y }) => y) };
}

const present = (series: readonly Series[]) => series.filter(({ x }) => x.length > 0);

function rankChart(records: readonly AnalysisRecord[], end: AnalysisResult["end"]): Chart {
  const exact = minMeanMax(end.layers.map(({ rank }) => rank));
  const withEnd = (series: Series, value: number): Series => {
    const before = series.x.filter((x) => x < end.step).length;
    return {
      ...series,
      x: [...series.x.slice(0, before), end.step],
      y: [...series.y.slice(0, before), value],
    };
  };
  return {
    title: "Rank of the accumulated change (Fig. 2b)",
    xLabel: "step",
    yLabel: "rank, over layers",
    note: "Number of singular values above 1 % of the largest; the last point is exact, from the final checkpoint.",
    series: [
      withEnd(
        line("largest", records, ({ change }) => change.rank.largest),
        exact.largest,
      ),
      withEnd(
        line("mean", records, ({ change }) => change.rank.mean),
        exact.mean,
      ),
      withEnd(
        line("least", records, ({ change }) => change.rank.least),
        exact.least,
      ),
      withEnd(
        line("entropy rank, mean", records, ({ change }) => change.entropyRank),
        end.entropyRank,
      ),
    ],
  };
}

function gradientChart(records: readonly AnalysisRecord[]): Chart {
  return {
    title: "Rank of the full gradient (Fig. 2c)",
    xLabel: "step",
    yLabel: "rank, over layers",
    series: present([
      line("mean", records, ({ gradient }) => gradient?.rank.mean),
      line("least", records, ({ gradient }) => gradient?.rank.least),
    ]),
  };
}

function shareChart(records: readonly AnalysisRecord[]): Chart {
  return {
    title: "The gradient's energy in its leading 2r directions",
    xLabel: "step",
    yLabel: "share, over layers",
    note: "The fraction that the optimum of Theorem 3.2 captures.",
    series: present([
      line("mean", records, ({ gradient }) => gradient?.share?.mean),
      line("least", records, ({ gradient }) => gradient?.share?.least),
    ]),
  };
}

function signalChart(records: readonly AnalysisRecord[]): Chart {
  return {
    title: "Signal in the gradient outside the factors",
    xLabel: "step",
    yLabel: "φ, mean over layers",
    note: "Cosine of the gradients of the two halves of a step's micro-batches, outside the columns of A and B: the share that is not noise.",
    series: present([line("φ", records, ({ gradient }) => gradient?.signal)]),
  };
}

function branchChart(records: readonly AnalysisRecord[]): Chart {
  const shareOf = ({ scaling, layers }: AnalysisRecord, policy: string, branch: string) =>
    scaling && (scaling.branches[policy]?.[branch] ?? 0) / layers;
  return {
    title: "Layers with a feasible column scaling (Fig. 2d)",
    xLabel: "step",
    yLabel: "fraction of layers",
    note: "Layers whose least-squares weights are all non-negative, in the exact system (paper) and with the ridge (default).",
    series: present(
      policies
        .filter((policy) => policy !== "scalar")
        .map((policy) => line(policy, records, (look) => shareOf(look, policy, "column"))),
    ),
  };
}

function factorChart(records: readonly AnalysisRecord[]): Chart {
  const names = ["least", "lower quartile", "median", "upper quartile", "largest"];
  return {
    title: "Factors of scaling events",
    xLabel: "step",
    yLabel: "factor",
    note: "Over columns and layers; quartiles are medians of the layers' quartiles.",
    logarithmic: true,
    series: present(
      (["alpha", "beta"] as const).flatMap((factor) =>
        names.map((name, at) =>
          line(`${factor}, ${name}`, records, ({ scaling }) => scaling?.[factor]?.[at]),
        ),
      ),
    ),
  };
}

function distanceChart(records: readonly AnalysisRecord[]): Chart {
  return {
    title: "Distance to the full-gradient step",
    xLabel: "step",
    yLabel: "fraction of that step",
    note: "1 means no update at all; no adapter of this rank can get below the optimum.",
    series: present([
      line("no scaling", records, ({ scaling }) => scaling?.distance?.unscaled),
      line("as chosen", records, ({ scaling }) => scaling?.distance?.chosen),
      line("optimum", records, ({ scaling }) => scaling?.distance?.optimum),
    ]),
  };
}
