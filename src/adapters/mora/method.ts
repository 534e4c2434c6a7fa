import type { Method } from "../core/method.ts";
import { attachMora } from "./attach-mora.ts";
import { moraSchema } from "./options.ts";

export const mora: Method<typeof moraSchema> = {
  name: "mora",
  summary:
    "MoRA: one square matrix between fixed ways to shorten the input and lengthen the output (arXiv 2405.12130)",
  // The authors' for MetaMath at rank 8.
  presetLr: 3e-4,
  schema: moraSchema,
  docs: "docs/methods/mora.md",
  attach: attachMora,
};
