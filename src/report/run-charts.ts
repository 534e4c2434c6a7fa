import { type EvalEvent, eventsOfType, type RunEvent, type StepEvent } from "../run/events.ts";
import type { MethodReport } from "../run/method-report.ts";
import type { Chart, Series } from "./page/report-data.ts";

/** A run's events with its name in chart legends. */
export interface NamedRun {
  name: string;
  events: readonly RunEvent[];
}

/** The charts that compare several runs: losses, ranks, scaling factors. Charts without data are left out. */
export function runCharts(runs: readonly NamedRun[]): Chart[] {
  const of = [
    trainingChart,
    heldOutChart,
    metricChart,
    rankChart,
    scalingChart,
    mergeLossChart,
    truncationChart,
    rateChart,
    speedChart,
    memoryChart,
  ];
  const charts = of.map((chart) => chart(runs)).filter((chart) => chart.series.length > 0);
  if (runs.length < 2) return charts;
  return charts.map((chart) => ({ ...chart, series: chart.series.map((line) => coloured(line, runs)) }));
}

/** A line in the colour of its run, which is the same in all charts. */
function coloured(line: Series, runs: readonly NamedRun[]): Series {
  const colour = runs.findIndex(({ name }) => line.name === name || line.name.startsWith(`${name}: `));
  return colour === -1 ? line : { ...line, colour };
}

function trainingChart(runs: readonly NamedRun[]): Chart {
  const series = lossSeries(runs, "step");
  return { title: "Training loss", xLabel: "step", yLabel: lossUnit(runs), noisy: true, series };
}

function rateChart(runs: readonly NamedRun[]): Chart {
  return {
    title: "Learning rate",
    xLabel: "step",
    yLabel: "learning rate",
    series: stepSeries(runs, ({ lr }) => lr),
  };
}

function speedChart(runs: readonly NamedRun[]): Chart {
  return {
    title: "Speed",
    xLabel: "step",
    yLabel: "tokens per second",
    note: "Without evaluation, analysis and checkpoints.",
    noisy: true,
    series: stepSeries(runs, ({ tokens, seconds }) => tokens / seconds),
  };
}

function memoryChart(runs: readonly NamedRun[]): Chart {
  const series = stepSeries(runs, ({ memory }) => memory / 2 ** 30);
  return { title: "Memory", xLabel: "step", yLabel: "GiB", series };
}

/** One line per run from its steps; runs without steps get no line. */
function stepSeries(runs: readonly NamedRun[], value: (step: StepEvent) => number): Series[] {
  return runs.flatMap(({ name, events }) => {
    const steps = eventsOfType(events, "step");
    const [x, y] = [steps.map(({ step }) => step), steps.map((step) => finiteOrNull(value(step)))];
    return steps.length === 0 ? [] : [{ name, x, y }];
  });
}

function heldOutChart(runs: readonly NamedRun[]): Chart {
  const series = lossSeries(runs, "eval");
  return { title: "Held-out loss", xLabel: "step", yLabel: lossUnit(runs), series };
}

/** The metrics of the data's task; empty for other data. */
function metricChart(runs: readonly NamedRun[]): Chart {
  const series = runs.flatMap(({ name, events }) => {
    const measured = eventsOfType(events, "eval").flatMap(({ step, metrics }) =>
      metrics ? [{ step, metrics }] : [],
    );
    return Object.keys(measured[0]?.metrics ?? {}).map((metric) => ({
      name: runs.length > 1 ? `${name}: ${metric}` : metric,
      x: measured.map(({ step }) => step),
      y: measured.map(({ metrics }) => metrics[metric] ?? null),
    }));
  });
  return { title: "Held-out metrics", xLabel: "step", yLabel: "metric", series };
}

/** The unit of the losses of runs of one task type. */
function lossUnit(runs: readonly NamedRun[]): string {
  const tasks = runs.flatMap(({ events }) => eventsOfType(events, "start").flatMap(({ task }) => task ?? []));
  const units = {
    "causal-lm": "nats per label token",
    classification: "nats per row",
    regression: "squared error",
  };
  return units[tasks[0] ?? "causal-lm"];
}

/** The rank at a run's end, and during it when that was recorded. */
function rankChart(runs: readonly NamedRun[]): Chart {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const series = runs.flatMap(({ name, events }) => {
    const ranks = new Map<number, number>();
    for (const event of events) {
      if (event.type === "rank") ranks.set(event.step, mean(event.layers.map(({ rank }) => rank)));
      if (event.type === "analysis")
        ranks.set(event.step, mean(event.layers.map(({ change }) => change.rank)));
    }
    return ranks.size === 0 ? [] : [{ name, x: [...ranks.keys()], y: [...ranks.values()] }];
  });
  return {
    title: "Rank of the accumulated change",
    xLabel: "step",
    yLabel: "rank, mean over layers",
    note: "Singular values above 1 % of the largest, of the difference of effective weights.",
    series,
  };
}

/** Names of the three values of a scaling event's factors, in the event's order. */
const quantiles = ["least", "median", "largest"] as const;

/** The factors of scaling events: all three values for one run, only the medians for several. */
function scalingChart(runs: readonly NamedRun[]): Chart {
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
    return points.length === 0 ? [] : [{ name, x: points.map(({ x }) => x), y: points.map(({ y }) => y) }];
  });
}

/** Null, a gap in the line, for non-finite numbers. */
const finiteOrNull = (value: number) => (Number.isFinite(value) ? value : null);

/** One line per run from the losses of its events of a type; runs without such events get no line. */
function lossSeries(runs: readonly NamedRun[], type: "step" | "eval"): Series[] {
  return runs.flatMap(({ name, events }) => {
    const measured: readonly (StepEvent | EvalEvent)[] = eventsOfType(events, type);
    const [x, y] = [measured.map(({ step }) => step), measured.map(({ loss }) => finiteOrNull(loss))];
    return measured.length === 0 ? [] : [{ name, x, y }];
  });
}
