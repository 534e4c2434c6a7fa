import type { Method } from "../core/method.ts";
import { lowRankFolderKeys } from "../options/fields.ts";
import { attachLoraPlus } from "./attach-lora-plus.ts";
import { loraPlusSchema } from "./options.ts";

export const loraPlus: Method<typeof loraPlusSchema> = {
  name: "lora+",
  summary: "LoRA+: LoRA whose factor on the output side learns faster than the other (arXiv 2402.12354)",
  presetLr: 1e-4,
  published: { source: "half of LoRA's, as PEFT's guide advises", options: { rank: 32, alpha: 64 } },
  schema: loraPlusSchema,
  docs: "docs/methods/lora-plus.md",
  folderKeys: lowRankFolderKeys,
  attach: attachLoraPlus,
};
