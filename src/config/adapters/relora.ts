import { z } from "zod";
import { share, wholeFrom } from "../fields.js";
import { baseFields, lowRankFields, withAlpha } from "./fields.js";

export const relora = {
  name: "relora",
  summary: "ReLoRA: LoRA that is merged and started anew every so many steps (arXiv 2307.05695)",
  // Twice LoRA's, as the paper doubles the rate of its full training.
  lr: 4e-4,
  schema: z
    .strictObject({
      method: z.literal("relora"),
      interval: wholeFrom(2).default(100).meta({
        description: "Steps from one restart to the next (the paper's pre-training: 5,000)",
      }),
      restartWarmup: wholeFrom(0).optional().meta({
        description: "Steps of warm-up after each restart",
        unset: "a tenth of the interval",
      }),
      prune: share().default(0.99).meta({
        description: "Share of the optimiser's moments, the smallest ones, that a restart sets to 0",
      }),
      ...lowRankFields,
      ...baseFields,
    })
    .transform((adapter) => ({
      ...withAlpha(adapter),
      restartWarmup: adapter.restartWarmup ?? Math.floor(adapter.interval / 10),
    })),
} as const;
