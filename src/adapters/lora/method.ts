import type { Method } from "../core/method.ts";
import { lowRankFolderKeys } from "../options/fields.ts";
import { attachLora } from "./attach-lora.ts";
import { loraSchema } from "./options.ts";

export const lora: Method<typeof loraSchema> = {
  name: "lora",
  summary: "Low-rank adapters on a frozen base (arXiv 2106.09685)",
  presetLr: 2e-4,
  published: {
    source: "RefLoRA's script for LLaMA-2 7B on commonsense (arXiv 2505.18877)",
    options: { rank: 32, alpha: 64 },
  },
  schema: loraSchema,
  docs: "docs/methods/lora.md",
  folderKeys: lowRankFolderKeys,
  readsFolder: ({ peft_type: type, use_dora: dora }) => type === "LORA" && dora !== true,
  attach: attachLora,
};
