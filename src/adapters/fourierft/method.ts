import type { Method } from "../core/method.ts";
import { layerFolderKeys } from "../options/fields.ts";
import { attachFourier } from "./attach-fourierft.ts";
import { fourierSchema } from "./options.ts";

export const fourierft: Method<typeof fourierSchema> = {
  name: "fourierft",
  summary:
    "FourierFT: some coefficients of the change's two-dimensional Fourier transform (arXiv 2405.03003)",
  presetLr: 3e-2,
  published: { source: "its paper, for LLaMA-2 on instructions", options: { scaling: 300 } },
  schema: fourierSchema,
  docs: "docs/methods/fourierft.md",
  folderKeys: [...layerFolderKeys, "frequencies", "scaling"],
  readsFolder: ({ peft_type: type }) => type === "FOURIERFT",
  attach: attachFourier,
};
