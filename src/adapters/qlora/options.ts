import { z } from "zod";
import { lowRankFields, withDefaultAlpha } from "../options/fields.ts";

export const qloraSchema = z
  .strictObject({ method: z.literal("qlora"), ...lowRankFields })
  .transform(withDefaultAlpha);
