import { z } from "zod";
import { rankFields, targetFields } from "./adapter-fields.ts";

export const mora = {
  name: "mora",
  summary:
    "MoRA: one square matrix between fixed ways to shorten the input and lengthen the output (arXiv 2405.12130)",
  // The authors' for MetaMath at rank 8.
  lr: 3e-4,
  schema: z.strictObject({
    method: z.literal("mora"),
    type: z.enum(["rotation", "sharing"]).default("rotation").meta({
      description: "Ways in and out: rotation (for small ranks), or sharing (for large ones)",
    }),
    ...rankFields,
    rank: rankFields.rank.meta({
      description: "Rank of the LoRA that has as many numbers as the square matrix",
    }),
    ...targetFields,
  }),
} as const;
