import type { CommonSystemPrompt } from "./formats/system-prompts.ts";
import type { DataFormat, DroppedRow, FormatConfig } from "./formats/types.ts";

/** One file of a mix. */
export interface DataSource extends FormatConfig {
  path: string;
  /** Sampling weight of this file, relative to the others; without weights all rows are drawn equally. */
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
   * Policy for longer rows. `truncate` keeps the first `maxLength` tokens, `drop` drops the row; both are counted.
   * Default: `truncate` where `maxLength` is given; otherwise (the limit is the model's own) `error`.
   */
  tooLong?: "truncate" | "drop" | "error" | undefined;
}

/** One training sequence. */
export interface Example {
  ids: Int32Array;
  /** Label mask. 1: this token counts in the loss. Always 0 at position 0, which nothing predicts. */
  isLabel: Uint8Array;
  /** `file:line`, or `file:window n` for running text. */
  source: string;
  /** Class index, or the target value of a regression; classification data only. */
  label?: number;
  /** Token type ids, for pairs only. */
  tokenTypes?: Int32Array;
}

/** Labels of the classifier that classification data are read for. */
export interface ClassifierLabels {
  /** Names of the classes, by index. */
  labels: readonly string[];
  /** Whether labels are numbers to predict. */
  regression: boolean;
  /** Number of token types of the model. */
  typeVocabSize: number;
}

/** A batch as one token stream: concatenated sequences without padding. */
export interface Batch {
  /** [T] */
  tokens: Int32Array;
  /** Sequence starts, S + 1 of them; the last is T. */
  offsets: number[];
  /** Stream positions whose *next* token is a label, ascending. */
  labelPositions: Int32Array;
  /** The tokens to predict there, as many as `labelPositions`. */
  labelTargets: Int32Array;
  /** [S] */
  sources: string[];
  /** Label of each sequence, [S]; classification data only, which have no label positions. */
  labels?: Float64Array;
  /** Token type ids, [T]; absent: all 0. */
  tokenTypes?: Int32Array;
}

/** Statistics of one file. */
export interface FileReport {
  path: string;
  /** SHA-256 of the file's bytes. */
  sha256: string;
  format: Exclude<DataFormat, "auto">;
  rows: number;
  /** Columns of the first row that are not read. */
  ignoredColumns: string[];
}

/** Statistics of loading all files. */
export interface LoadReport {
  files: FileReport[];
  rows: number;
  dropped: DroppedRow[];
  /** Answers of preference data that are not trained on because they were rejected. */
  rejected: number;
  truncated: number;
  /** Number of labels that the loss is averaged over: tokens, or rows of classification data. */
  labelTokens: number;
  tokens: number;
  /** Rows in which one token holds the last characters of the prompt and the first ones of the completion. */
  straddling: number;
  /** Chats split into one example per trained turn, because the template rewrites earlier turns. */
  splitChats: number;
  /** The system message with which more than half of the chats begin. */
  systemPrompt?: CommonSystemPrompt | undefined;
  /** Notes for the user, such as columns that the template does not render. */
  notes: string[];
}
