import { readAdapterFolder } from "../hub/adapter-folder.ts";
import { checkSettings, loraAlpha, loraNeutral } from "../hub/adapter-settings.ts";
import { mulScalar, type Tensor, toDType } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { conventionOf, storedName } from "./architectures.ts";
import { toFormat } from "./conventions.ts";
import type { GgufDescription } from "./description.ts";
import { real, text } from "./metadata-items.ts";
import { tensorType } from "./types.ts";
import { type GgufSource, writeGguf } from "./write.ts";
import { knownArchitecture } from "./write-model.ts";

/** One layer's factors. */
interface Layer {
  readonly path: string;
  /** `[rank, in]` */
  readonly down: Tensor;
  /** `[out, rank]` */
  readonly up: Tensor;
  readonly alpha: number;
}

/**
 * Writes a LoRA adapter folder as a GGUF adapter file, as llama.cpp's `convert_lora_to_gguf.py` does: rows of Llama's q and k
 * in the format's order, in float32. The file has one alpha, and readers scale by alpha over rank; where the layers' alphas
 * differ, the factors hold the scale and the alpha is 0, which readers take for a scale of 1.
 * @throws ScaloraError `usage` for an adapter that has more than factors of layers in the format, `model` for one that
 * computes otherwise
 */
export function adapterToGguf(folder: string, path: string, description: GgufDescription): void {
  const { config, tensors } = readAdapterFolder(folder);
  try {
    if (config.use_dora === true)
      throw new ScaloraError("usage", "A GGUF adapter has no place for DoRA's magnitudes", {
        fix: "export the model merged",
      });
    checkSettings(folder, config, loraNeutral);
    const layers = readLayers(folder, config, tensors);
    const alphas = new Set(layers.map(({ alpha }) => alpha));
    const [alpha] = alphas.size === 1 ? alphas : [0];
    const metadata = [
      text("general.architecture", description.architecture),
      text("general.type", "adapter"),
      text("adapter.type", "lora"),
      real("adapter.lora.alpha", alpha),
    ];
    writeGguf(
      path,
      metadata,
      layers.flatMap((layer) => sourcesOf(folder, layer, description, alpha === 0)),
    );
  } finally {
    for (const tensor of tensors.values()) tensor.dispose();
  }
}

function readLayers(
  folder: string,
  config: Readonly<Record<string, unknown>>,
  tensors: ReadonlyMap<string, Tensor>,
): Layer[] {
  const layers: Layer[] = [];
  for (const [name, down] of tensors) {
    const [, path] = /^(.*)\.lora_A\.weight$/.exec(name) ?? [];
    const up = tensors.get(`${path}.lora_B.weight`);
    if (path === undefined || up === undefined) continue;
    // rsLoRA divides by the root of the rank, readers of the format by the rank.
    const stretch = config.use_rslora === true ? Math.sqrt(down.shape[0]) : 1;
    layers.push({ path, down, up, alpha: loraAlpha(folder, config, path) * stretch });
  }
  const taken = new Set<unknown>(layers.flatMap(({ down, up }) => [down, up]));
  for (const [name, tensor] of tensors) if (!taken.has(tensor)) throw unsayable(folder, name);
  return layers;
}

function sourcesOf(
  folder: string,
  { path, down, up, alpha }: Layer,
  { architecture: name, heads, tied }: GgufDescription,
  scaled: boolean,
): GgufSource[] {
  const architecture = knownArchitecture(name);
  const weight = `${path}.weight`;
  const stored = storedName(architecture, weight);
  const isAbsent = stored === "token_embd.weight" || (tied && stored === "output.weight");
  if (stored === undefined || isAbsent) throw unsayable(folder, weight);
  const convention = conventionOf(architecture, weight);
  const scale = scaled ? alpha / down.shape[0] : 1;
  const type = tensorType("F32");
  const inFormat = () => toFormat(mulScalar(toDType(up, "float32"), scale), convention, heads);
  return [
    { name: `${stored}.lora_a`, type, shape: down.shape, load: () => toDType(down, "float32") },
    { name: `${stored}.lora_b`, type, shape: up.shape, load: inFormat },
  ];
}

function unsayable(folder: string, name: string): ScaloraError {
  return new ScaloraError("usage", "A GGUF adapter cannot hold this part of the adapter", {
    where: folder,
    expected: "factors of linear layers",
    found: name,
    fix: "export it --as merged",
  });
}
