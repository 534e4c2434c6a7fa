import { countsOverFactoredBase } from "../core/counts-of.ts";
import type { Method } from "../core/method.ts";
import { lowRankFolderKeys, refusalUnlessFactored } from "../options/fields.ts";
import { attachRelora } from "./attach-relora.ts";
import { checkReloraOptions, reloraSchema } from "./options.ts";

export const relora: Method<typeof reloraSchema> = {
  name: "relora",
  summary: "ReLoRA: LoRA that is merged and started anew every so many steps (arXiv 2307.05695)",
  presetLr: 4e-4,
  published: {
    source: "twice LoRA's, as its paper doubles the rate of full training",
    options: { rank: 32, alpha: 64 },
  },
  schema: reloraSchema,
  docs: "docs/methods/relora.md",
  folderKeys: lowRankFolderKeys,
  refusesQuantised: refusalUnlessFactored,
  check: checkReloraOptions,
  countParameters: countsOverFactoredBase(attachRelora),
  attach: attachRelora,
};
