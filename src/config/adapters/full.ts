import { z } from "zod";
import { writesToBaseRefusal } from "./adapter-fields.ts";

export const full = {
  name: "full",
  summary: "Full fine-tuning: every parameter is trained",
  lr: 2e-5,
  schema: z.strictObject({ method: z.literal("full") }),
  refusesQuantised: () => writesToBaseRefusal,
} as const;
