import { z } from "zod";
import { integerAtLeast, positive } from "../field-types.ts";
import { fromField, layerFolderKeys, targetFields } from "./adapter-fields.ts";

/** PEFT's. */
export const fourierDefaults = { frequencies: 1000, scaling: 150 };

export const fourierft = {
  name: "fourierft",
  summary:
    "FourierFT: some coefficients of the change's two-dimensional Fourier transform (arXiv 2405.03003)",
  // The paper's for LLaMA2 on instructions.
  lr: 3e-2,
  schema: z.strictObject({
    method: z.literal("fourierft"),
    frequencies: integerAtLeast(1).default(fourierDefaults.frequencies).meta({
      description: "Trained coefficients of each layer; at most the numbers of its weight",
    }),
    scaling: positive().default(fourierDefaults.scaling).meta({
      description:
        "What the inverse transform is multiplied by (the paper: 100–150 for RoBERTa, 300 for LLaMA)",
    }),
    ...targetFields,
    ...fromField,
  }),
  folderKeys: [...layerFolderKeys, "frequencies", "scaling"],
} as const;
