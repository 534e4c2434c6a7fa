import { z } from "zod";
import { integerAtLeast, pathString, positive } from "../schema/field-types.ts";
import { dataFormats, renderStyles } from "./data-formats.ts";

/** How rows become text: the section's own keys, which each file may set for itself. */
const formatFields = {
  format: z.enum(dataFormats).optional().meta({
    description:
      "What a row holds; auto tells from its columns (not preferences, nor the files of tasks: commonsense, gsm8k, metamathqa and GLUE's, cola to rte; with an encoder it is classification)",
    unset: "auto",
  }),
  columns: z.record(z.string(), z.string().min(1)).optional().meta({
    expects: "a map such as {prompt: question, completion: answer}",
    description: "Names of the columns in the file, where they are not the usual ones",
    unset: "the usual names",
  }),
  render: z.enum(renderStyles).optional().meta({
    description:
      "Whether prompt and completion follow each other as they are, in the model's chat template, or in the prompt of LLM-Adapters' or MetaMath's scripts",
    unset: "plain",
  }),
  separator: z.string().optional().meta({
    description: "Text between prompt and completion when render is plain",
    unset: "nothing",
  }),
};

const source = z.strictObject({
  path: pathString("the path of a .jsonl, .json, .parquet, .csv, .tsv or .txt file"),
  weight: positive().optional().meta({ description: "Share of the rows drawn from this file" }),
  ...formatFields,
});

/** A file of examples. */
export type DataSource = z.output<typeof source>;

/** A file of examples, as it is written. */
export type DataSourceInput = z.input<typeof source>;

const asSource = (entry: string | DataSource): DataSource =>
  typeof entry === "string" ? { path: entry } : entry;

/** One file or several, each a path or `{path, weight, …}`; always a list of the latter afterwards. */
const sources = z
  .union([z.string().min(1), source, z.array(z.union([z.string().min(1), source])).min(1)])
  .transform((entries) => (Array.isArray(entries) ? entries : [entries]).map(asSource));

const holdOut = z.strictObject({
  holdOut: z.union([z.number().gt(0).lt(1), integerAtLeast(1)]).meta({
    expects: "a share of the rows below 1, or their number from 1 on",
    description: "Rows held out of the training data",
  }),
});

/** Section `data`: what is trained on and what is held out. */
export const dataSchema = z.strictObject({
  train: sources.meta({
    expects: "a path, {path, weight}, or a list of these",
    description: "Files to train on (.jsonl, .json, .parquet, .csv, .tsv or .txt); weights mix several",
  }),
  eval: z
    .union([z.literal("none"), holdOut, sources])
    .default({ holdOut: 0.05 })
    .meta({
      expects: "a path or a list of paths, {holdOut: share or number of rows}, or none",
      description: "Files for the evaluation loss, or the training rows to hold out for it, or none",
      unset: "{holdOut: 0.05}",
    }),
  ...formatFields,
  maxLength: integerAtLeast(2).optional().meta({
    description: "Longest sequence in tokens, and the width of the windows that plain text is cut into",
    unset: "the model's own limit",
  }),
  tooLong: z.enum(["truncate", "drop", "error"]).optional().meta({
    description: "What becomes of longer rows; those cut or dropped are counted",
    unset: "truncate with maxLength, else error",
  }),
});

export type DataConfig = z.output<typeof dataSchema>;

/** The section as it is written: what is left out gets its default. */
export type DataInput = z.input<typeof dataSchema>;
