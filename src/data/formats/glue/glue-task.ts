/** GLUE's eight tasks (without WNLI). */
export type GlueName = "cola" | "sst2" | "mrpc" | "stsb" | "qqp" | "mnli" | "qnli" | "rte";

/** One of GLUE's tasks: its columns and labels (gluebenchmark.com; paper arXiv 1804.07461). */
export interface GlueTask {
  readonly name: GlueName;
  readonly description: string;
  /** Folder name of the official download. */
  readonly folder: string;
  /** For each sentence (one or two) the possible names of its column, the official file's first. */
  readonly textColumns: readonly (readonly string[])[];
  /** Possible names of the label column. */
  readonly labelColumns: readonly string[];
  /** Columns of the official TSV when it has no header. */
  readonly headerlessColumns?: readonly string[];
  /** The classes by index; `undefined` for a regression. */
  readonly labels: readonly string[] | undefined;
  /** Possible file names of each split, without the ending. */
  readonly splits: { readonly train: readonly string[]; readonly dev: readonly string[] };
}

export const usualSplits = { train: ["train"], dev: ["dev", "validation"] } as const;
