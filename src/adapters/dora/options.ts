import { z } from "zod";
import { lowRankFields, withDefaultAlpha } from "../options/fields.ts";

export const doraSchema = z
  .strictObject({ method: z.literal("dora"), ...lowRankFields })
  .transform(withDefaultAlpha);
