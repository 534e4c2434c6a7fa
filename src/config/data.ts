import { z } from "zod";
import { pathText, positive, wholeFrom } from "./fields.js";

const source = z.strictObject({
  path: pathText("the path of a .jsonl or .txt file"),
  weight: positive().default(1),
});

/** One file or several, each a path or `{path, weight}`; always a list of `{path, weight}` afterwards. */
const sources = z
  .union([z.string().min(1), source, z.array(z.union([z.string().min(1), source])).min(1)])
  .transform((given) => (Array.isArray(given) ? given : [given]).map(asSource));

const asSource = (given: string | DataSource): DataSource =>
  typeof given === "string" ? { path: given, weight: 1 } : given;

/** A file of examples and its share in the mix, relative to the other files. */
export type DataSource = z.output<typeof source>;

const split = z.strictObject({ split: z.number().gt(0).lt(1) });

/** Section `data`: what is trained on and what is held out. */
export const dataSchema = z.strictObject({
  train: sources.meta({
    expects: "a path, {path, weight}, or a list of these",
    description: "Files to train on (.jsonl or .txt); weights mix several",
  }),
  eval: z
    .union([z.literal("none"), split, sources])
    .default({ split: 0.05 })
    .meta({
      expects: "a path or a list of paths, {split: share}, or none",
      description: "Files for the evaluation loss, or the share of the training rows to hold out, or none",
    }),
  format: z.enum(["auto", "text", "prompt", "alpaca", "messages"]).default("auto").meta({
    description: "What a row holds; auto tells from its columns",
  }),
  maxLength: wholeFrom(2).optional().meta({
    description: "Longest sequence in tokens, and the window of plain text",
    unset: "1024, or the model's own limit where that is less",
  }),
});

export type DataConfig = z.output<typeof dataSchema>;
