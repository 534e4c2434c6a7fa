import { z } from "zod";
import { integerAtLeast } from "../schema/field-types.ts";

/** A folder name without separators, so that a run cannot leave its parent. */
const folderName = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._+=-]*$/u)
  .max(200);

/** Bytes of a name, and of a path to which folder and files of a run are added, on every file system. */
const [maxName, maxPath] = [255, 3000];

const isPossiblePath = (path: string): boolean =>
  !path.includes("\0") &&
  Buffer.byteLength(path) <= maxPath &&
  path.split(/[/\\]/).every((name) => Buffer.byteLength(name) <= maxName);

/** YAML reads a name such as 20251124 as a number. */
const runName = z.union([z.string(), z.number().transform(String)]).pipe(folderName);

/** Section `run`: where the results go. */
export const runSchema = z.strictObject({
  name: runName.optional().meta({
    expects: "letters, digits and . _ + = -, starting with a letter or digit",
    description: "Name of the run's folder; it must not exist yet",
    unset: "the recipe's name and the method, numbered when taken",
  }),
  folder: z
    .string()
    .min(1)
    .refine(isPossiblePath)
    .default("runs")
    .meta({
      expects: `the path of a folder: at most ${maxPath} bytes, ${maxName} in each name, none of them zero`,
      description: "Folder that holds the runs",
    }),
  samples: z
    .union([integerAtLeast(0), z.array(z.string().min(1))])
    .default(2)
    .meta({
      expects: "a number of held-out rows, or a list of prompts",
      description:
        "What the model writes before and after training, greedily: of this many held-out rows, or to these prompts",
    }),
  analysis: z
    .strictObject({ every: integerAtLeast(1).default(50) })
    .optional()
    .meta({
      expects: "{every: N}, N an integer, at least 1",
      description:
        "Record ranks, gradients and scaling at a step in about this many, for scalora analyze (docs/analysis.md)",
      unset: "nothing is recorded",
    }),
  reportTo: z
    .array(z.enum(["tensorboard", "wandb", "mlflow"]))
    .optional()
    .meta({
      expects: "a list of tensorboard, wandb and mlflow",
      description: "Programs whose files are written too, beside the run's own (docs/trackers.md)",
      unset: "none",
    }),
});

export type RunConfig = z.output<typeof runSchema> & { name: string };

/** The section as it is written: what is left out gets its default. */
export type RunInput = z.input<typeof runSchema>;
