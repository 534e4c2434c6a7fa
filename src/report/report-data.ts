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
  /** One or two sentences on how to read it. */
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

/** A prompt and what several models (or one, at several times) make of it. */
export interface SampleGroup {
  prompt: string;
  outputs: readonly { name: string; text: string }[];
}

/** Everything that a report shows: plain data, from a run's events or a comparison. All texts may be anything. */
export interface ReportData {
  title: string;
  /** A sentence or two below the title. */
  summary?: string;
  facts: readonly { label: string; value: string }[];
  charts: readonly Chart[];
  tables: readonly ReportTable[];
  samples: readonly SampleGroup[];
  /** Commands that lead on. */
  next?: readonly string[];
}
