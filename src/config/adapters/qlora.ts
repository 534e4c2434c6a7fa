import { z } from "zod";
import { lowRankFields, lowRankFolderKeys, withDefaultAlpha } from "./adapter-fields.ts";

export const qlora = {
  name: "qlora",
  summary: "QLoRA: LoRA on a base in 4 bits (NF4), quantised as it is loaded (arXiv 2305.14314)",
  // The paper's for 7B and 13B.
  lr: 2e-4,
  schema: z.strictObject({ method: z.literal("qlora"), ...lowRankFields }).transform(withDefaultAlpha),
  folderKeys: lowRankFolderKeys,
  quantises: true,
} as const;
