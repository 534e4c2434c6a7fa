import { z } from "zod";
import { lowRankFields, withDefaultAlpha } from "../options/fields.ts";

export const loraPlusSchema = z
  .strictObject({
    method: z.literal("lora+"),
    ratio: z.number().min(1).default(16).meta({
      description: "How many times train.lr the factor A (PEFT's lora_B) gets",
    }),
    ...lowRankFields,
  })
  .transform(withDefaultAlpha);
