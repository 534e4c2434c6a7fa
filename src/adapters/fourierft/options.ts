import { z } from "zod";
import { integerAtLeast, positive } from "../../schema/field-types.ts";
import { fromField, targetFields } from "../options/fields.ts";

/** The defaults are PEFT's. */
export const fourierSchema = z.strictObject({
  method: z.literal("fourierft"),
  frequencies: integerAtLeast(1).default(1000).meta({
    description: "Trained coefficients of each layer; at most the numbers of its weight",
  }),
  scaling: positive().default(150).meta({
    description:
      "What the inverse transform is multiplied by (the paper: 100–150 for RoBERTa, 300 for LLaMA)",
  }),
  ...targetFields,
  ...fromField,
});
