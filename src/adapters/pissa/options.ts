import { z } from "zod";
import { positive } from "../../schema/field-types.ts";
import { rankFields, scaleFields, targetFields } from "../options/fields.ts";

export const pissaSchema = z
  .strictObject({
    method: z.literal("pissa"),
    ...rankFields,
    ...scaleFields,
    alpha: positive().optional().meta({ description: "Scale numerator: s = alpha / rank", unset: "rank" }),
    ...targetFields,
  })
  .transform((adapter) => ({ ...adapter, alpha: adapter.alpha ?? adapter.rank }));
