import type { Method } from "../core/method.ts";
import { attachPissa } from "./attach-pissa.ts";
import { pissaSchema } from "./options.ts";

export const pissa: Method<typeof pissaSchema> = {
  name: "pissa",
  summary: "PiSSA: LoRA whose factors start as the leading singular triplets of W (arXiv 2404.02948)",
  presetLr: 2e-5,
  published: { source: "its paper, for LLaMA-2 7B", options: { rank: 128, alpha: 128 } },
  schema: pissaSchema,
  docs: "docs/methods/pissa.md",
  refusesQuantised: () =>
    "its start is of use there only where W is quantised without its leading directions, which is not built",
  attach: attachPissa,
};
