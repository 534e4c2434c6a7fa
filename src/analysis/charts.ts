import type { Chart, Series } from "../report/index.ts";
import { type Look, policies, spreadOf } from "./figures.ts";
import type { AnalysisResult } from "./types.ts";

/** The figures over time; those without data are left out. */
export function analysisCharts({ looks, end }: AnalysisResult): Chart[] {
  return [
    rankChart(looks, end),
    gradientChart(looks),
    shareChart(looks),
    branchChart(looks),
    factorChart(looks),
    distanceChart(looks),
  ].filter(({ series }) => series.length > 0);
}

/** A line through the looks that have a value. */
function line(
  name: string,
  looks: readonly Look[],
  value: (look: Look) => number | null | undefined,
): Series {
  const points = looks.flatMap((look) => {
    const y = value(look);
    return typeof y === "number" ? [{ x: look.step, y }] : [];
  });
  return { name, x: points.map(({ x }) => x), y: points.map(({ y }) => y) };
}

const present = (series: readonly Series[]) => series.filter(({ x }) => x.length > 0);

function rankChart(looks: readonly Look[], end: AnalysisResult["end"]): Chart {
  const exact = spreadOf(end.layers.map(({ rank }) => rank));
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
    note: "Singular values above 1 % of the largest; the last point is exact, from the final checkpoint.",
    series: [
      withEnd(
        line("largest", looks, ({ change }) => change.rank.largest),
        exact.largest,
      ),
      withEnd(
        line("mean", looks, ({ change }) => change.rank.mean),
        exact.mean,
      ),
      withEnd(
        line("least", looks, ({ change }) => change.rank.least),
        exact.least,
      ),
      withEnd(
        line("entropy rank, mean", looks, ({ change }) => change.entropyRank),
        end.entropyRank,
      ),
    ],
  };
}

function gradientChart(looks: readonly Look[]): Chart {
  return {
    title: "Rank of the full gradient (Fig. 2c)",
    xLabel: "step",
    yLabel: "rank, over layers",
    series: present([
      line("mean", looks, ({ gradient }) => gradient?.rank.mean),
      line("least", looks, ({ gradient }) => gradient?.rank.least),
    ]),
  };
}

function shareChart(looks: readonly Look[]): Chart {
  return {
    title: "The gradient's energy in its leading 2r directions",
    xLabel: "step",
    yLabel: "share, over layers",
    note: "What the optimum of Theorem 3.2 reaches.",
    series: present([
      line("mean", looks, ({ gradient }) => gradient?.share?.mean),
      line("least", looks, ({ gradient }) => gradient?.share?.least),
    ]),
  };
}

function branchChart(looks: readonly Look[]): Chart {
  const shareOf = ({ scaling, layers }: Look, policy: string, branch: string) =>
    scaling && (scaling.branches[policy][branch] ?? 0) / layers;
  return {
    title: "Layers with a feasible column scaling (Fig. 2d)",
    xLabel: "step",
    yLabel: "share of layers",
    note: "Those whose least-squares weights are all non-negative: of the exact system (paper), and with the ridge (default).",
    series: present(
      policies
        .filter((policy) => policy !== "scalar")
        .map((policy) => line(policy, looks, (look) => shareOf(look, policy, "column"))),
    ),
  };
}

function factorChart(looks: readonly Look[]): Chart {
  const names = ["least", "lower quartile", "median", "upper quartile", "largest"];
  return {
    title: "Factors of scaling events",
    xLabel: "step",
    yLabel: "factor",
    note: "Over columns and layers; quartiles are the medians of the layers' own.",
    logarithmic: true,
    series: present(
      (["alpha", "beta"] as const).flatMap((factor) =>
        names.map((name, at) => line(`${factor}, ${name}`, looks, ({ scaling }) => scaling?.[factor]?.[at])),
      ),
    ),
  };
}

function distanceChart(looks: readonly Look[]): Chart {
  return {
    title: "Distance to the full-gradient step",
    xLabel: "step",
    yLabel: "share of that step",
    note: "1 is no step at all; no adapter of this rank can be below the optimum.",
    series: present([
      line("no scaling", looks, ({ scaling }) => scaling?.distance?.unscaled),
      line("as chosen", looks, ({ scaling }) => scaling?.distance?.chosen),
      line("optimum", looks, ({ scaling }) => scaling?.distance?.optimum),
    ]),
  };
}
