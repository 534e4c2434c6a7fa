import { z } from "zod";
import { lowRankFields, lowRankFolderKeys, withAlpha } from "./fields.ts";

export const lora = {
  name: "lora",
  summary: "Low-rank adapters on a frozen base (arXiv 2106.09685)",
  lr: 2e-4,
  schema: z.strictObject({ method: z.literal("lora"), ...lowRankFields }).transform(withAlpha),
  folderKeys: lowRankFolderKeys,
} as const;
