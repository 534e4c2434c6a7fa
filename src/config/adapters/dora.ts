import { z } from "zod";
import { lowRankFields, lowRankFolderKeys, withDefaultAlpha } from "./adapter-fields.ts";

export const dora = {
  name: "dora",
  summary: "DoRA: LoRA for the directions of W's rows, and a trained length for each (arXiv 2402.09353)",
  // The paper's for LLaMA-7B on commonsense reasoning.
  lr: 2e-4,
  schema: z.strictObject({ method: z.literal("dora"), ...lowRankFields }).transform(withDefaultAlpha),
  folderKeys: lowRankFolderKeys,
} as const;
