import { countsOf } from "../core/counts-of.ts";
import type { Method } from "../core/method.ts";
import { lowRankFolderKeys } from "../options/fields.ts";
import { attachQlora, attachToAnyWeights } from "./attach-qlora.ts";
import { qloraSchema } from "./options.ts";

export const qlora: Method<typeof qloraSchema> = {
  name: "qlora",
  summary: "QLoRA: LoRA on a base in 4 bits (NF4), quantised as it is loaded (arXiv 2305.14314)",
  presetLr: 2e-4,
  published: { source: "its paper, for 7B and 13B", options: { rank: 64, alpha: 16 } },
  schema: qloraSchema,
  docs: "docs/methods/qlora.md",
  folderKeys: lowRankFolderKeys,
  quantises: true,
  countParameters: countsOf(attachToAnyWeights),
  attach: attachQlora,
};
