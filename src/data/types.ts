import type { GlueName } from "./glue/glue-task.ts";

/**
 * How a row is read. `auto` looks at the columns of the first row; a `.txt` file is always running text. `commonsense`
 * and `gsm8k` are the files of these tasks, with the prompts that their evaluation uses; `classification` is for encoders, and so are
 * the files of GLUE's tasks, by their names.
 */
export type DataFormat =
  | "auto"
  | "text"
  | "prompt-completion"
  | "alpaca"
  | "messages"
  | "commonsense"
  | "gsm8k"
  | "classification"
  | GlueName;

/** Our column name -> the name it has in the file, e.g. `{ prompt: "question", completion: "answer" }`. */
export type ColumnNames = Readonly<Record<string, string>>;

/** How rows become text, the same for every file of a run unless a file says otherwise. */
export interface FormatConfig {
  /** Default `auto`. */
  format?: DataFormat | undefined;
  columns?: ColumnNames | undefined;
  /**
   * `plain` (default): prompt and completion follow each other as they are, alpaca rows take Alpaca's own prompt.
   * `chat`: they become a user and an assistant message in the model's chat template.
   */
  render?: "plain" | "chat" | undefined;
  /** Put between prompt and completion when `render` is `plain`; default none. */
  separator?: string | undefined;
}

/** One file of a mix. */
export interface DataSource extends FormatConfig {
  path: string;
  /** Share of the rows drawn from this file, relative to the others; without weights all rows are drawn equally. */
  weight?: number | undefined;
}

/** The `data` section of a recipe. */
export interface DataConfig extends FormatConfig {
  /** A JSONL, JSON, Parquet, `.csv`, `.tsv` or `.txt` file, or several. */
  train: string | readonly DataSource[];
  /**
   * Files to evaluate on, or a part held out of `train` (below 1 a fraction of the rows, else their number), or
   * `none`, the default.
   */
  eval?: string | readonly DataSource[] | { holdOut: number } | undefined;
  /** Longest sequence, in tokens; also the width of the windows that a `.txt` file is cut into. Default: the model's. */
  maxLength?: number | undefined;
  /**
   * What becomes of a longer row. `truncate` keeps its first `maxLength` tokens, `drop` leaves it out; both are
   * counted. Default: `truncate` where `maxLength` is given; otherwise `error`, for the limit is the model's own.
   */
  tooLong?: "truncate" | "drop" | "error" | undefined;
}

/** One training sequence. */
export interface Example {
  ids: Int32Array;
  /** 1: this token is predicted and counted. Always 0 at position 0, which has nothing before it. */
  isLabel: Uint8Array;
  /** `file:line`, or `file:window n` for running text. */
  source: string;
  /** Of a classification: the class's number, or the number of a regression. */
  label?: number;
  /** Of a pair: the part that each token belongs to. */
  tokenTypes?: Int32Array;
}

/** What rows of a classification are read for. */
export interface ClassifierLabels {
  /** Names of the classes, by number. */
  labels: readonly string[];
  /** Whether a label is a number to predict. */
  regression: boolean;
  /** Parts of a pair that the model tells apart. */
  typeVocabSize: number;
}

/** One flat token stream: sequences one after the other, nothing padded. */
export interface Batch {
  /** [T] */
  tokens: Int32Array;
  /** Sequence starts, S + 1 of them; the last is T. */
  offsets: number[];
  /** Stream positions whose *next* token is a label, ascending. */
  labelPositions: Int32Array;
  /** The tokens to predict there, as long as `labelRows`. */
  labelTargets: Int32Array;
  /** [S] */
  sources: string[];
  /** Of a classification, which has no label rows: the label of each sequence, [S]. */
  labels?: Float64Array;
  /** The part of a pair that each token belongs to, [T]; absent: all to part 0. */
  tokenTypes?: Int32Array;
}

/** What happened to one file. */
export interface FileReport {
  path: string;
  /** SHA-256 of the file's bytes. */
  sha256: string;
  format: Exclude<DataFormat, "auto">;
  rows: number;
  /** Columns of the first row that nothing reads. */
  ignoredColumns: string[];
}

export interface DroppedRow {
  source: string;
  reason: string;
}

/** What happened to the rows. */
export interface LoadReport {
  files: FileReport[];
  rows: number;
  dropped: DroppedRow[];
  truncated: number;
  /** Labels that the loss is a mean over: tokens; of a classification rows. */
  labelTokens: number;
  tokens: number;
  /** Rows in which one token holds the last characters of the prompt and the first ones of the completion. */
  straddling: number;
  /** Chats cut into one example per trained turn, because the template rewrites earlier turns. */
  splitChats: number;
  /** What a person should know: columns that the template does not render, and the like. */
  notes: string[];
}

/** Half-open range of UTF-16 code units. */
export type Span = readonly [start: number, end: number];

/** Text ready to be tokenised, and the characters of it that are trained on. */
export interface MarkedText {
  text: string;
  spans: Span[];
  /** `document`: the tokenizer adds its BOS, we add EOS. `chat`: the template has written every special token. */
  kind: "document" | "chat";
  source: string;
}
