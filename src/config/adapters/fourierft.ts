import { z } from "zod";
import { positive, wholeFrom } from "../fields.js";
import { fromField, layerFields } from "./fields.js";

export const fourierft = {
  name: "fourierft",
  summary:
    "FourierFT: some coefficients of the change's two-dimensional Fourier transform (arXiv 2405.03003)",
  // The paper's for LLaMA2 on instructions.
  lr: 3e-2,
  schema: z.strictObject({
    method: z.literal("fourierft"),
    frequencies: wholeFrom(1).default(1000).meta({
      description: "Trained coefficients of each layer; at most the numbers of its weight",
    }),
    scaling: positive().default(150).meta({
      description:
        "What the inverse transform is multiplied by (the paper: 100–150 for RoBERTa, 300 for LLaMA)",
    }),
    ...layerFields,
    ...fromField,
  }),
} as const;
