import type { Method } from "../core/method.ts";
import { lowRankFolderKeys } from "../options/fields.ts";
import { attachDora } from "./attach-dora.ts";
import { doraSchema } from "./options.ts";

export const dora: Method<typeof doraSchema> = {
  name: "dora",
  summary: "DoRA: LoRA for the directions of W's rows, and a trained length for each (arXiv 2402.09353)",
  presetLr: 2e-4,
  published: {
    source: "its authors' script for LLaMA-2 7B on commonsense",
    options: { rank: 32, alpha: 64 },
  },
  schema: doraSchema,
  docs: "docs/methods/dora.md",
  folderKeys: lowRankFolderKeys,
  readsFolder: ({ peft_type: type, use_dora: dora }) => type === "LORA" && dora === true,
  attach: attachDora,
};
