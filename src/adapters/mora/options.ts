import { z } from "zod";
import { rankFields, targetFields } from "../options/fields.ts";

export const moraSchema = z.strictObject({
  method: z.literal("mora"),
  type: z.enum(["rotation", "sharing"]).default("rotation").meta({
    description: "Ways in and out: rotation (for small ranks), or sharing (for large ones)",
  }),
  ...rankFields,
  rank: rankFields.rank.meta({
    description: "Rank of the LoRA that has as many numbers as the square matrix",
  }),
  ...targetFields,
});
