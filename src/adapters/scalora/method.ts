import { countsOverFactoredBase } from "../core/counts-of.ts";
import type { Method } from "../core/method.ts";
import { lowRankFolderKeys, refusalUnlessFactored } from "../options/fields.ts";
import { attachScalora } from "./attach-scalora.ts";
import { amortisedScaloraSchema, checkScaloraOptions, scaloraSchema } from "./options.ts";

/** The fields that both methods share; they differ in the default interval. */
const common = {
  presetLr: 2e-4,
  published: {
    source: "RefLoRA's script for LoRA on LLaMA-2 7B, since ScaLoRA's own rates are not published",
    options: { rank: 32, alpha: 64 },
  },
  docs: "docs/methods/scalora.md",
  folderKeys: lowRankFolderKeys,
  refusesQuantised: refusalUnlessFactored,
  check: checkScaloraOptions,
  countParameters: countsOverFactoredBase(attachScalora),
  attach: attachScalora,
};

export const scalora: Method<typeof scaloraSchema> = {
  ...common,
  name: "scalora",
  summary: "LoRA whose base absorbs an optimally scaled adapter at every step, so that the change gains rank",
  schema: scaloraSchema,
};

export const amortisedScalora: Method<typeof amortisedScaloraSchema> = {
  ...common,
  name: "scalora-i",
  summary: "ScaLoRA with a scaling event every tenth step, at a tenth of the events' cost",
  schema: amortisedScaloraSchema,
};
