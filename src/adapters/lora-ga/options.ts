import { z } from "zod";
import { positive } from "../../schema/field-types.ts";
import { rankFields, scaleFields, targetFields, withDefaultAlpha } from "../options/fields.ts";

export const loraGaSchema = z
  .strictObject({
    method: z.literal("lora-ga"),
    ...rankFields,
    ...scaleFields,
    rslora: z.boolean().default(true).meta({
      description: "Scale by alpha / √rank (rsLoRA), as the derivation of the start needs",
    }),
    gamma: positive().default(16).meta({
      description: "γ of the start's size: each column of a factor has length m^¼ / √γ",
    }),
    ...targetFields,
  })
  .transform(withDefaultAlpha);
