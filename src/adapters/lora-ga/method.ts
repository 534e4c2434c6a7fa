import type { Method } from "../core/method.ts";
import { attachLoraGa } from "./attach-lora-ga.ts";
import { loraGaSchema } from "./options.ts";

export const loraGa: Method<typeof loraGaSchema> = {
  name: "lora-ga",
  summary: "LoRA-GA: LoRA whose factors start as singular vectors of the first gradient (arXiv 2407.05000)",
  presetLr: 2e-5,
  published: { source: "its paper, for LLaMA-2 7B", options: { rank: 8, alpha: 16, rslora: true } },
  schema: loraGaSchema,
  docs: "docs/methods/lora-ga.md",
  refusesQuantised: () => "its start needs the gradient of the base weight, which codes do not have",
  attach: attachLoraGa,
};
