import type { Method } from "../core/method.ts";
import { attachMora } from "./attach-mora.ts";
import { moraSchema } from "./options.ts";

export const mora: Method<typeof moraSchema> = {
  name: "mora",
  summary:
    "MoRA: one square matrix between fixed ways to shorten the input and lengthen the output (arXiv 2405.12130)",
  presetLr: 3e-4,
  published: { source: "its authors' script for LLaMA-2 on MetaMath", options: { rank: 8 } },
  schema: moraSchema,
  docs: "docs/methods/mora.md",
  attach: attachMora,
};
