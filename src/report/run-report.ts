import { type EvalEvent, eventsOfType, type RunEvent, type StepEvent } from "../run/events.ts";
import type { MethodReport } from "../run/method-report.ts";
import { formatCount } from "../util/format.ts";
import { movingAverage } from "./chart-series.ts";
import type { Chart, ReportData, SampleGroup, Series } from "./report-data.ts";

/** A run's events with its name in chart legends. */
export interface NamedRun {
  name: string;
  events: readonly RunEvent[];
}

/** The report of one finished (or stopped) training run. */
export function runReport(run: NamedRun): ReportData {
  return {
    title: run.name,
    summary: troubleText(run.events),
    facts: runFacts(run.events),
    charts: runCharts([run]),
    tables: [],
    samples: sampleGroups([run]),
  };
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
  ];
  const charts = of.map((chart) => chart(runs));
  return charts.filter((chart) => chart.series.length > 0);
}

function trainingChart(runs: readonly NamedRun[]): Chart {
  const steps = Math.max(0, ...runs.map(({ events }) => eventsOfType(events, "step").length));
  const window = Math.max(1, Math.round(steps / 50));
  const series = lossSeries(runs, "step").map((line) => movingAverage(line, window));
  return {
    title: "Training loss",
    xLabel: "step",
    yLabel: lossUnit(runs),
    note: window > 1 ? `Mean of the last ${window} steps.` : undefined,
    series,
  };
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

/** Samples by prompt; an output's name gives its step, and its run when there are several. */
function sampleGroups(runs: readonly NamedRun[]): SampleGroup[] {
  const groups = new Map<string, { name: string; text: string }[]>();
  for (const { name, events } of runs) {
    for (const { step, prompt, output } of eventsOfType(events, "sample")) {
      const when = step === 0 ? "before" : `step ${step}`;
      const outputs = groups.get(prompt) ?? [];
      outputs.push({ name: runs.length > 1 ? `${name}, ${when}` : when, text: output });
      groups.set(prompt, outputs);
    }
  }
  return [...groups].map(([prompt, outputs]) => ({ prompt, outputs }));
}

/** Why the run failed, or what it warned about at its end, such as a loss above the first one. */
function troubleText(events: readonly RunEvent[]): string | undefined {
  const end = eventsOfType(events, "end").at(-1);
  if (end === undefined) return undefined;
  if (end.reason === "failed") return `Failed after step ${end.step}: ${end.message ?? "no reason recorded"}`;
  const warnings = eventsOfType(events, "warning").filter(({ step }) => step > 0 && step === end.step);
  return warnings.length === 0 ? undefined : `Warning: ${warnings.map(({ message }) => message).join("; ")}`;
}

function runFacts(events: readonly RunEvent[]): ReportData["facts"] {
  const start = eventsOfType(events, "start").at(-1);
  if (start === undefined) return [];
  const { model, method, parameters, environment, totalSteps } = start;
  const facts = [
    { label: "Model", value: `${model.path} (${model.family}, ${model.layers} layers)` },
    { label: "Method", value: method },
    { label: "Trainable", value: `${formatCount(parameters.trainable)} of ${formatCount(parameters.all)}` },
    { label: "Steps", value: formatCount(totalSteps) },
  ];
  for (const [key, label] of [
    ["device", "Device"],
    ["dtype", "Precision"],
    ["quantization", "Base weights"],
    ["base", "Base"],
    ["gemmBackend", "GEMM backend"],
    ["libtorch", "libtorch"],
  ] as const) {
    const value = environment[key];
    if (value !== undefined) facts.push({ label, value });
  }
  return facts;
}
