import type { Chart, ChartData, Series } from "./report-data.ts";

/** Longer lines are averaged in buckets, so that the report of a long run stays small. */
const maxPoints = 1500;

/** Averages neighbouring points until at most `most` are left; averages ignore gaps. */
export function downsample(series: Series, most = maxPoints): Series {
  const bucket = Math.ceil(series.x.length / most);
  if (bucket <= 1) return series;
  const x: number[] = [];
  const y: (number | null)[] = [];
  for (let start = 0; start < series.x.length; start += bucket) {
    const values = series.y.slice(start, start + bucket).filter((value) => value !== null);
    x.push(...series.x.slice(start, start + bucket).slice(-1));
    y.push(values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length);
  }
  return { ...series, x, y };
}

/** Running mean over the last `count` values, fewer at the start; gaps stay gaps and do not count. */
export function movingAverage(y: readonly (number | null)[], count: number): (number | null)[] {
  const last: number[] = [];
  return y.map((value) => {
    if (value === null) return null;
    last.push(value);
    if (last.length > count) last.shift();
    return last.reduce((sum, other) => sum + other, 0) / last.length;
  });
}

/** Aligns lines on a common x axis in the chart library's format: all x, then each line's y, null where it has no point. */
export function alignSeries(series: readonly Series[]): [x: number[], ...y: (number | null)[][]] {
  const x = [...new Set(series.flatMap((line) => line.x))].sort((a, b) => a - b);
  const rows = series.map((line) => {
    const values = new Map(line.x.map((at, i) => [at, line.y[i]]));
    return x.map((at) => values.get(at) ?? null);
  });
  return [x, ...rows];
}

/** A chart as the browser draws it, with at most `most` points a line. */
export function chartData(chart: Chart, most?: number): ChartData {
  const { title, xLabel, yLabel, note = null, logarithmic = false, noisy = false, series } = chart;
  return {
    title,
    xLabel,
    yLabel,
    note,
    logarithmic,
    noisy,
    names: series.map(({ name }) => name),
    colours: series.map(({ colour }, i) => colour ?? i),
    data: alignSeries(series.map((line) => downsample(line, most))),
  };
}
