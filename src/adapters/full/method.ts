import { countWeights } from "../../nn/index.ts";
import type { Method } from "../core/method.ts";
import { writesToBaseRefusal } from "../options/fields.ts";
import { FullFineTuning } from "./full-fine-tuning.ts";
import { fullSchema } from "./options.ts";

export const full: Method<typeof fullSchema> = {
  name: "full",
  summary: "Full fine-tuning: every parameter is trained",
  presetLr: 2e-5,
  published: {
    source:
      "usual for full fine-tuning, for instance MetaMath's script for LLaMA-2; there is no rank or scale that it goes with",
  },
  schema: fullSchema,
  docs: "docs/methods/full.md",
  refusesQuantised: () => writesToBaseRefusal,
  countParameters(outline) {
    const all = countWeights(outline);
    return { trainable: all, all };
  },
  attach: (model) => new FullFineTuning(model),
};
