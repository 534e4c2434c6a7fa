import { countsOverFactoredBase } from "../core/counts-of.ts";
import type { Method } from "../core/method.ts";
import { checkBaseOptions, refusalUnlessFactored } from "../options/fields.ts";
import { attachFlora } from "./attach-flora.ts";
import { floraSchema } from "./options.ts";

export const flora: Method<typeof floraSchema> = {
  name: "flora",
  summary:
    "Flora: full matrices trained through random projections of gradient and momentum (arXiv 2402.03293)",
  presetLr: 2e-5,
  published: { source: "full fine-tuning's, since a step moves each weight by about as much at any rank" },
  schema: floraSchema,
  docs: "docs/methods/flora.md",
  refusesQuantised: refusalUnlessFactored,
  check: checkBaseOptions,
  countParameters: countsOverFactoredBase(attachFlora),
  attach: attachFlora,
};
