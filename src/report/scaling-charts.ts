import { eventsOfType } from "../run/events.ts";
import type { MethodReport } from "../run/method-report.ts";
import { scalingEvents } from "../run/scaling-events.ts";
import { finiteOrNull, lossUnit, type NamedRun } from "./named-run.ts";
import type { Chart, Series } from "./page/report-data.ts";

/** What scaling events did, and what merging cost; some are empty. */
export function scalingCharts(runs: readonly NamedRun[]): Chart[] {
  return [
    factorChart(runs),
    columnStepsChart(runs),
    normGrowthChart(runs),
    growthOverNoiseChart(runs),
    nextLossChart(runs),
    mergeLossChart(runs),
    truncationChart(runs),
  ];
}

/** Names of the three values of a scaling event's factors, in the event's order. */
const quantiles = ["least", "median", "largest"] as const;

/** The factors of scaling events: all three values for one run, only the medians for several. */
function factorChart(runs: readonly NamedRun[]): Chart {
  const shown = runs.length > 1 ? [1] : [0, 1, 2];
  const series = runs.flatMap(({ name, events }) => {
    const reports = eventsOfType(events, "method");
    return (["alpha", "beta"] as const).flatMap((factor) =>
      shown.flatMap((index) => {
        const points = reports.flatMap(({ step, report }) => {
          const value = report[factor]?.[index];
          // The scale is logarithmic.
          return value !== undefined && value > 0 ? [{ step, value }] : [];
        });
        const label = runs.length > 1 ? `${name}: ${factor}` : `${factor}, ${quantiles[index]}`;
        const [x, y] = [points.map(({ step }) => step), points.map(({ value }) => value)];
        return points.length === 0 ? [] : [{ name: label, x, y }];
      }),
    );
  });
  return {
    title: "Scaling factors",
    xLabel: "step",
    yLabel: runs.length > 1 ? "factor, median over columns" : "factor",
    note: "Factors by which scaling events multiply the columns of A (alpha) and B (beta).",
    logarithmic: true,
    series,
  };
}

function columnStepsChart(runs: readonly NamedRun[]): Chart {
  return {
    title: "Column length in steps",
    xLabel: "step",
    yLabel: "k, mean over layers",
    note: "How many Adam steps in one direction a column of the norm aimed at is long: k = ρ/(lr·√((m + n)/2)).",
    series: methodEventSeries(runs, ({ columnSteps }) => columnSteps),
  };
}

function normGrowthChart(runs: readonly NamedRun[]): Chart {
  return {
    title: "Norm growth between events",
    xLabel: "step",
    yLabel: "ν, mean over layers",
    note: "By which fraction of itself the factors' norm √(‖A‖² + ‖B‖²) has grown since the last event.",
    series: methodEventSeries(runs, ({ normGrowth }) => normGrowth),
  };
}

function growthOverNoiseChart(runs: readonly NamedRun[]): Chart {
  return {
    title: "Growth over noise",
    xLabel: "step",
    yLabel: "E, mean over layers",
    note: "Growth of ‖A‖² + ‖B‖² since the last event over that of a random walk of Adam's steps: 1 where steps go anywhere, more where they agree with each other or with the factors, less where they turn back.",
    series: methodEventSeries(runs, ({ growthOverNoise }) => growthOverNoise),
  };
}

/** Two batches differ by more than an event does, so that only the trend of many events says something. */
function nextLossChart(runs: readonly NamedRun[]): Chart {
  const series = runs.flatMap(({ name, events }) => {
    const points = scalingEvents(events).flatMap(({ step, loss, nextLoss }) =>
      loss === undefined || nextLoss === undefined ? [] : [{ x: step, y: finiteOrNull(nextLoss - loss) }],
    );
    return lineOf(name, points);
  });
  return {
    title: "Loss one step after an event minus at it",
    xLabel: "step",
    yLabel: lossUnit(runs),
    note: "Of two batches, whose difference is larger than what one event does.",
    noisy: true,
    series,
  };
}

/** The loss change by merging into a base store that rounds or truncates; empty when the base is exact. */
function mergeLossChart(runs: readonly NamedRun[]): Chart {
  return {
    title: "Loss after an event minus before",
    xLabel: "step",
    yLabel: lossUnit(runs),
    note: "Loss of the step's own batch. It changes where merged weights are rounded to bfloat16 (base: split), or where the frozen low-rank delta is truncated (base: factored).",
    series: methodEventSeries(runs, ({ lossBefore, lossAfter }) =>
      lossBefore !== undefined && lossAfter !== undefined ? lossAfter - lossBefore : undefined,
    ),
  };
}

/** The energy that factored bases truncate; empty without such bases. */
function truncationChart(runs: readonly NamedRun[]): Chart {
  return {
    title: "Truncated by factored bases",
    xLabel: "step",
    yLabel: "fraction of the merged energy, mean over layers",
    note: "0 until the merges have filled the rank that the base keeps.",
    series: methodEventSeries(runs, ({ cutMean }) => cutMean),
  };
}

/** One line per run from the reports of its method's events; runs without values get no line. */
function methodEventSeries(
  runs: readonly NamedRun[],
  value: (report: MethodReport) => number | undefined,
): Series[] {
  return runs.flatMap(({ name, events }) => {
    const points = eventsOfType(events, "method").flatMap(({ step, report }) => {
      const y = value(report);
      return y === undefined ? [] : [{ x: step, y: finiteOrNull(y) }];
    });
    return lineOf(name, points);
  });
}

/** No line without points. */
function lineOf(
  name: string,
  points: readonly { readonly x: number; readonly y: number | null }[],
): Series[] {
  return points.length === 0 ? [] : [{ name, x: points.map(({ x }) => x), y: points.map(({ y }) => y) }];
}
