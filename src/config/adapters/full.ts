import { z } from "zod";

export const full = {
  name: "full",
  summary: "Full fine-tuning: every parameter is trained",
  lr: 2e-5,
  schema: z.strictObject({ method: z.literal("full") }),
} as const;
