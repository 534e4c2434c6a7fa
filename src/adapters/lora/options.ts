import { z } from "zod";
import {
  lowRankFields,
  type ScaledRankOptions,
  type StartOptions,
  withDefaultAlpha,
} from "../options/fields.ts";

export const loraSchema = z
  .strictObject({ method: z.literal("lora"), ...lowRankFields })
  .transform(withDefaultAlpha);

/** Options of the methods whose factors start as LoRA's do. */
export type LoraOptions = ScaledRankOptions & StartOptions;
