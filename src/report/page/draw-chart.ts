import type uPlotClass from "uplot";
import { rangeAroundStep, rangeAroundValue } from "./axis-range.ts";
import { movingAverage } from "./chart-series.ts";
import type { ChartData } from "./report-data.ts";

// The chart library itself is a classic script of the page, before this module: the global `uPlot`.

const height = 260;

/** A chart drawn into an element, with its values as a table below it. */
export interface DrawnChart {
  /** Shows other data; a zoom stays. */
  update(chart: ChartData, smoothing: number): void;
  destroy(): void;
}

/**
 * Draws a chart.
 * @param smoothing of noisy lines: percent of their points that one drawn point is the mean of
 */
export function drawChart(holder: HTMLElement, chart: ChartData, smoothing: number): DrawnChart {
  const canvas = document.createElement("div");
  canvas.className = "chart";
  canvas.setAttribute("role", "img");
  const table = tableOf(() => shown);
  holder.append(canvas, table.element);
  let shown = smoothed(chart, smoothing);
  let plot = newPlot(shown, canvas);

  const redraw = () => {
    plot.destroy();
    plot = newPlot(shown, canvas);
  };
  const fit = () => {
    const width = canvas.clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height });
  };
  const label = () => canvas.setAttribute("aria-label", describe(shown));
  const watcher = new ResizeObserver(fit);
  watcher.observe(canvas);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", redraw);
  label();
  return {
    update(next, percent) {
      const sameLines = linesKey(next) === linesKey(shown);
      shown = smoothed(next, percent);
      label();
      table.refresh();
      if (!sameLines) return redraw();
      const zoomed = isZoomed(plot);
      plot.setData(shown.data, !zoomed);
      if (zoomed) plot.redraw();
      plot.setLegend({ idx: lastIndex(plot) });
    },
    destroy() {
      watcher.disconnect();
      scheme.removeEventListener("change", redraw);
      plot.destroy();
      canvas.remove();
      table.element.remove();
    },
  };
}

/** What a chart's plot is made of; when it changes, the plot is made anew. */
const linesKey = ({ names, colours, logarithmic, yLabel }: ChartData) =>
  JSON.stringify([names, colours, logarithmic, yLabel]);

function smoothed(chart: ChartData, percent: number): ChartData {
  if (!chart.noisy || percent === 0) return chart;
  const [x, ...lines] = chart.data;
  const drawn = lines.map((y) => {
    const points = y.filter((value) => value !== null).length;
    return movingAverage(y, Math.max(1, Math.round((points * percent) / 100)));
  });
  return { ...chart, data: [x, ...drawn] };
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A value in five digits; small ones, such as learning rates, with their power of ten. */
function figure(value: number): string {
  const size = Math.abs(value);
  return size > 0 && size < 0.001 ? value.toExponential(3) : Number(value.toPrecision(5)).toString();
}

function axis(label: string) {
  const line = { stroke: colour("--line"), width: 1 };
  const font = "12px system-ui, sans-serif";
  return { label, stroke: colour("--soft"), labelSize: 22, labelFont: font, font, grid: line, ticks: line };
}

/** Steps are integers, so their ticks are too. */
const integers = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
const hasFractions = ({ data: [x] }: ChartData) => x.some((value) => !Number.isInteger(value));

function newPlot(chart: ChartData, holder: HTMLElement): uPlotClass {
  const plot = new uPlot(
    {
      width: Math.max(200, holder.clientWidth),
      height,
      legend: { markers: { width: 3 } },
      cursor: { points: { size: 7 } },
      scales: { x: { time: false, range: xRange }, y: yScale(chart) },
      axes: [
        { ...axis(chart.xLabel), ...(!hasFractions(chart) && { incrs: integers }) },
        { ...axis(chart.yLabel), size: 62, values: (_, ticks) => ticks.map(tickText) },
      ],
      series: [
        { label: chart.xLabel, value: (self, value) => figure(value ?? self.data[0].at(-1) ?? 0) },
        ...chart.names.map((label, i) => lineOf(label, i, chart)),
      ],
      hooks: {
        // Without a pointer on the chart, the legend has the last values.
        setCursor: [
          (self) => {
            if (self.cursor.idx === null || self.cursor.idx === undefined)
              self.setLegend({ idx: lastIndex(self) }, false);
          },
        ],
      },
    },
    chart.data,
    holder,
  );
  plot.setLegend({ idx: lastIndex(plot) });
  return plot;
}

/** The library's own ranges, but around a lone point: it would put one at step 0 on the edge, and any other far from its ticks. */
function xRange({ data: [x] }: uPlotClass, least: number, most: number): uPlotClass.Range.MinMax {
  const [only] = x;
  return only !== undefined && x.length === 1 ? rangeAroundStep(only) : [least, most];
}

function yScale({ logarithmic }: ChartData): uPlotClass.Scale {
  if (logarithmic) return { distr: 3 };
  const range = (_: uPlotClass, least: number, most: number): uPlotClass.Range.MinMax => {
    // Null without any value.
    if (least === null) return [null, null];
    return least === most ? rangeAroundValue(least) : uPlot.rangeNum(least, most, 0.1, true);
  };
  return { range };
}

/** A tick: 0.00009 as 9e-5, for there is little room. */
function tickText(value: number | null): string {
  if (value === null) return "";
  const rounded = Number(value.toPrecision(6));
  return rounded !== 0 && Math.abs(rounded) < 0.001 ? rounded.toExponential() : rounded.toString();
}

const lastIndex = (plot: uPlotClass) => plot.data[0].length - 1;

function lineOf(label: string, i: number, chart: ChartData): uPlotClass.Series {
  const number = chart.colours[i] ?? i;
  const isSecond = number >= 8 || chart.colours.indexOf(number) < i;
  const stroke = colour(`--series-${(number % 8) + 1}`);
  return {
    label,
    stroke,
    width: 2,
    spanGaps: true,
    ...(isSecond && { dash: [6, 4] }),
    points: { show: (plot, line) => countPoints(plot.data[line]) < 30, size: 7, fill: stroke },
    // A line that has no value here shows the one before.
    value: (self, value, line, at) => {
      const before = value ?? lastValue(self.data[line] ?? [], at ?? lastIndex(self));
      return before === null ? "none yet" : figure(before);
    },
  };
}

/** Lines of few points show them, and those of one have nothing else. */
const countPoints = (y: ArrayLike<number | null | undefined> = []) =>
  Array.from(y).filter((value) => value !== null && value !== undefined).length;

/** The last value of a line up to an index. */
function lastValue(y: ArrayLike<number | null | undefined>, at: number): number | null {
  for (let i = Math.min(at, y.length - 1); i >= 0; i -= 1) {
    const value = y[i];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** Whether the reader looks at a part of the x axis. */
function isZoomed({ scales, data: [x] }: uPlotClass): boolean {
  const { min, max } = scales["x"] ?? {};
  const [first, last] = [x[0], x.at(-1)];
  // Before the first drawing there is no scale yet.
  if (typeof min !== "number" || typeof max !== "number") return false;
  return first !== undefined && last !== undefined && (min > first || max < last);
}

/** The points of a line that exist. */
const pointsOf = (chart: ChartData, line: number) => {
  const y = chart.data[line + 1] ?? [];
  return chart.data[0].flatMap((x, i) => {
    const value = y[i];
    return value === null || value === undefined ? [] : [{ x, y: value }];
  });
};

/** A text alternative of a chart, for screen readers. */
function describe(chart: ChartData): string {
  const lines = chart.names.map((name, i) => {
    const points = pointsOf(chart, i);
    const [first, last] = [points[0], points.at(-1)];
    if (first === undefined || last === undefined) return `${name}: no values yet.`;
    const values = points.map(({ y }) => y);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return `${name}: ${figure(first.y)} at ${chart.xLabel} ${figure(first.x)}, ${figure(last.y)} at ${figure(last.x)}, between ${figure(least)} and ${figure(most)}.`;
  });
  return `Chart. ${chart.title}, ${chart.yLabel}. ${lines.join(" ")}`;
}

const tableRows = 12;

/** The values of a chart at some of its points; filled while it is open. */
function tableOf(shown: () => ChartData) {
  const element = document.createElement("details");
  element.className = "values";
  const summary = document.createElement("summary");
  summary.textContent = "Values";
  const holder = document.createElement("div");
  holder.className = "scroll";
  element.append(summary, holder);
  const refresh = () => {
    summary.setAttribute("aria-label", `Values of ${shown().title} as a table`);
    if (element.open) holder.replaceChildren(valueTable(shown()));
  };
  element.addEventListener("toggle", refresh);
  return { element, refresh };
}

function valueTable(chart: ChartData): HTMLTableElement {
  const table = document.createElement("table");
  table.className = "data";
  const [x, ...lines] = chart.data;
  const addRow = (section: HTMLTableSectionElement, tag: "th" | "td", texts: readonly string[]) => {
    const row = section.insertRow();
    for (const text of texts) {
      const cell = document.createElement(tag);
      cell.className = "right";
      cell.textContent = text;
      row.append(cell);
    }
  };
  addRow(table.createTHead(), "th", [chart.xLabel, ...chart.names]);
  const count = Math.min(tableRows, x.length);
  const body = table.createTBody();
  for (let row = 0; row < count; row += 1) {
    const at = count === 1 ? 0 : Math.round((row * (x.length - 1)) / (count - 1));
    const values = lines.map((y) => lastValue(y, at));
    addRow(body, "td", [figure(x[at] ?? 0), ...values.map((value) => (value === null ? "" : figure(value)))]);
  }
  return table;
}
