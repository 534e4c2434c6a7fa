import type { Method } from "../core/method.ts";
import { factorFolderKeys } from "../options/fields.ts";
import { attachHira } from "./attach-hira.ts";
import { hiraSchema } from "./options.ts";

export const hira: Method<typeof hiraSchema> = {
  name: "hira",
  summary:
    "HiRA: W times a matrix of low rank, number by number, so that the change has high rank (ICLR 2025)",
  presetLr: 1e-3,
  published: { source: "its authors' command for LLaMA-3 8B on commonsense", options: { rank: 32 } },
  schema: hiraSchema,
  docs: "docs/methods/hira.md",
  folderKeys: factorFolderKeys,
  readsFolder: ({ peft_type: type }) => type === "HIRA",
  attach: attachHira,
};
