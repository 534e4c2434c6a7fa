import { z } from "zod";
import { lowRankFields, lowRankFolderKeys, withDefaultAlpha } from "./adapter-fields.ts";

export const loraPlusDefaults = { ratio: 16 };

export const loraPlus = {
  name: "lora+",
  summary: "LoRA+: LoRA whose factor on the output side learns faster than the other (arXiv 2402.12354)",
  // Half of LoRA's, as PEFT's guide has it.
  lr: 1e-4,
  schema: z
    .strictObject({
      method: z.literal("lora+"),
      ratio: z.number().min(1).default(loraPlusDefaults.ratio).meta({
        description: "How many times train.lr the factor A (PEFT's lora_B) gets",
      }),
      ...lowRankFields,
    })
    .transform(withDefaultAlpha),
  folderKeys: lowRankFolderKeys,
} as const;
