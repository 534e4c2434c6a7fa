import { z } from "zod";
import { lowRankFields, lowRankFolderKeys, withDefaultAlpha } from "./adapter-fields.ts";

export const lora = {
  name: "lora",
  summary: "Low-rank adapters on a frozen base (arXiv 2106.09685)",
  lr: 2e-4,
  schema: z.strictObject({ method: z.literal("lora"), ...lowRankFields }).transform(withDefaultAlpha),
  folderKeys: lowRankFolderKeys,
} as const;
