/** One line of a chart. `x` ascends; a `y` of null is a gap. */
export interface Series {
  name: string;
  x: readonly number[];
  y: readonly (number | null)[];
  /** Number of its colour; by default its number in the chart. Lines of one colour differ in their dashes. */
  colour?: number;
}

export interface Chart {
  title: string;
  xLabel: string;
  yLabel: string;
  /** One or two sentences on how to read the chart. */
  note?: string | undefined;
  /** Draw y on a logarithmic scale; values must be above 0. */
  logarithmic?: boolean;
  /** The lines are noisy from step to step: readers may smooth them. */
  noisy?: boolean;
  series: readonly Series[];
}

/** A chart for the browser: its lines on one x axis. */
export interface ChartData {
  title: string;
  xLabel: string;
  yLabel: string;
  note: string | null;
  logarithmic: boolean;
  noisy: boolean;
  names: string[];
  colours: number[];
  /** All x, then each line's y. */
  data: [x: number[], ...y: (number | null)[][]];
}

export interface ReportTable {
  title: string;
  columns: readonly { title: string; align?: "left" | "right" }[];
  rows: readonly (readonly string[])[];
  note?: string | undefined;
}

/** One output for a prompt. `mark`: whether it equals the reference answer, where there is one. */
export interface SampleOutput {
  name: string;
  text: string;
  mark?: "right" | "wrong" | undefined;
}

/** A prompt and the outputs of several models, or of one model at several steps. */
export interface SampleGroup {
  prompt: string;
  outputs: readonly SampleOutput[];
}

export interface Fact {
  label: string;
  value: string;
}

/** Facts under one title: the data, the speed, the settings. */
export interface FactGroup {
  title: string;
  facts: readonly Fact[];
}

/** What was learnt, in one sentence, and what that rests on. */
export interface Headline {
  text: string;
  certainty: string;
  /** `warning`: nothing was learnt, or the run failed. */
  tone: "result" | "warning";
}

/** The text of a report on one run. */
export interface RunDetails {
  title: string;
  /** Null before there is anything to say. */
  headline: Headline | null;
  facts: readonly Fact[];
  warnings: readonly string[];
  samples: readonly SampleGroup[];
  groups: readonly FactGroup[];
}

/** Everything that a report shows, as plain data from a run's events or a comparison. Texts need no escaping. */
export interface ReportData {
  title: string;
  headline?: Headline | null;
  /** One or two sentences below the title. */
  summary?: string;
  facts: readonly Fact[];
  warnings?: readonly string[];
  charts: readonly Chart[];
  tables: readonly ReportTable[];
  samples: readonly SampleGroup[];
  groups?: readonly FactGroup[];
  /** Commands to try next. */
  next?: readonly string[];
}
