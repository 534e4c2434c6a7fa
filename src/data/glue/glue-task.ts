/** GLUE's eight tasks (without WNLI). */
export type GlueName = "cola" | "sst2" | "mrpc" | "stsb" | "qqp" | "mnli" | "qnli" | "rte";

/** One of GLUE's tasks: its columns, labels and metrics (gluebenchmark.com; paper arXiv 1804.07461). */
export interface GlueTask {
  readonly name: GlueName;
  readonly description: string;
  /** The folder of the official download. */
  readonly folder: string;
  /** One entry a sentence, one or two; the names of its column, the official file's first. */
  readonly textColumns: readonly (readonly string[])[];
  /** Names of the label's column. */
  readonly labelColumns: readonly string[];
  /** Columns of the official TSV when it has no header. */
  readonly headerlessColumns?: readonly string[];
  /** The classes in the order of their numbers; `undefined` for a score that is a number. */
  readonly labels: readonly string[] | undefined;
  /** Names of the file of each split without its ending. */
  readonly splits: { readonly train: readonly string[]; readonly dev: readonly string[] };
}

export const usualSplits = { train: ["train"], dev: ["dev", "validation"] } as const;
