import { z } from "zod";
import { positive } from "../field-types.ts";
import { rankFields, scaleFields, targetFields, withDefaultAlpha } from "./adapter-fields.ts";

export const loraGaDefaults = { gamma: 16 };

export const loraGa = {
  name: "lora-ga",
  summary: "LoRA-GA: LoRA whose factors start as singular vectors of the first gradient (arXiv 2407.05000)",
  // The paper's for LLaMA2-7B.
  lr: 2e-5,
  schema: z
    .strictObject({
      method: z.literal("lora-ga"),
      ...rankFields,
      ...scaleFields,
      rslora: z.boolean().default(true).meta({
        description: "Scale by alpha / √rank (rsLoRA), as the derivation of the start needs",
      }),
      gamma: positive().default(loraGaDefaults.gamma).meta({
        description: "γ of the start's size: each column of a factor has length m^¼ / √γ",
      }),
      ...targetFields,
    })
    .transform(withDefaultAlpha),
  refusesQuantised: () => "its start needs the gradient of the base weight, which codes do not have",
} as const;
