import { type EvalEvent, eventsOfType, type StepEvent } from "../run/events.ts";
import { finiteOrNull, lossUnit, type NamedRun } from "./named-run.ts";
import type { Chart, Series } from "./page/report-data.ts";
import { scalingCharts } from "./scaling-charts.ts";

/** The charts that compare several runs: losses, ranks, scaling events. Charts without data are left out. */
export function runCharts(runs: readonly NamedRun[]): Chart[] {
  const charts = [
    trainingChart(runs),
    heldOutChart(runs),
    metricChart(runs),
    rankChart(runs),
    ...scalingCharts(runs),
    rateChart(runs),
    speedChart(runs),
    memoryChart(runs),
  ].filter(({ series }) => series.length > 0);
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

/** One line per run from the losses of its events of a type; runs without such events get no line. */
function lossSeries(runs: readonly NamedRun[], type: "step" | "eval"): Series[] {
  return runs.flatMap(({ name, events }) => {
    const measured: readonly (StepEvent | EvalEvent)[] = eventsOfType(events, type);
    const [x, y] = [measured.map(({ step }) => step), measured.map(({ loss }) => finiteOrNull(loss))];
    return measured.length === 0 ? [] : [{ name, x, y }];
  });
}
