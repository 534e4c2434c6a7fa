/** One line of a chart. `x` ascends; a `y` of null is a gap. */
export interface Series {
  name: string;
  x: readonly number[];
  y: readonly (number | null)[];
}

export interface Chart {
  title: string;
  xLabel: string;
  yLabel: string;
  /** One or two sentences on how to read the chart. */
  note?: string | undefined;
  /** Draw y on a logarithmic scale; values must be above 0. */
  logarithmic?: boolean;
  series: readonly Series[];
}

export interface ReportTable {
  title: string;
  columns: readonly { title: string; align?: "left" | "right" }[];
  rows: readonly (readonly string[])[];
  note?: string | undefined;
}

/** A prompt and the outputs of several models, or of one model at several steps. */
export interface SampleGroup {
  prompt: string;
  outputs: readonly { name: string; text: string }[];
}

/** Everything that a report shows, as plain data from a run's events or a comparison. Texts need no escaping. */
export interface ReportData {
  title: string;
  /** One or two sentences below the title. */
  summary?: string | undefined;
  facts: readonly { label: string; value: string }[];
  charts: readonly Chart[];
  tables: readonly ReportTable[];
  samples: readonly SampleGroup[];
  /** Commands to try next. */
  next?: readonly string[];
}
