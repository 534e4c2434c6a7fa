import { loraAlphas } from "../adapters/peft/adapter-config.ts";
import { readAdapterFolder } from "../adapters/peft/adapter-folder.ts";
import { checkAdapterConfig, loraSupported } from "../adapters/peft/check-adapter-config.ts";
import { toGgufName, weightConversion } from "../gguf/architectures.ts";
import { float32Item, stringItem } from "../gguf/encode-metadata.ts";
import type { GgufDescription } from "../gguf/model-description.ts";
import { tensorTypeByName } from "../gguf/tensor-types.ts";
import { toGguf } from "../gguf/weight-layout.ts";
import { type GgufTensorSource, writeGguf } from "../gguf/write-gguf.ts";
import { requireArchitecture } from "../gguf/write-model.ts";
import { mulScalar, type Tensor, toDType } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";

/** One layer's factors. */
interface LoraLayer {
  readonly path: string;
  /** `[rank, in]` */
  readonly down: Tensor;
  /** `[out, rank]` */
  readonly up: Tensor;
  readonly alpha: number;
}

/**
 * Writes a LoRA adapter folder as a GGUF adapter file, as llama.cpp's `convert_lora_to_gguf.py` does: float32, with the rows
 * of Llama's q and k permuted for GGUF. The file has a single alpha, and readers scale by alpha / rank; when the layers'
 * alphas differ, the factors include the scale and alpha is 0, which readers treat as a scale of 1.
 * @throws ScaloraError `usage` for an adapter with anything but factors of linear layers in GGUF, `model` for an unsupported
 * kind of adapter
 */
export function adapterToGguf(folder: string, path: string, description: GgufDescription): void {
  using stored = readAdapterFolder(folder);
  const { config, tensors } = stored;
  if (config["use_dora"] === true)
    throw new ScaloraError("usage", "A GGUF adapter cannot hold DoRA's magnitudes", {
      fix: "export the model merged",
    });
  checkAdapterConfig(folder, config, loraSupported);
  const layers = readLayers(folder, config, tensors);
  const [first, ...others] = new Set(layers.map(({ alpha }) => alpha));
  const alpha = first !== undefined && others.length === 0 ? first : 0;
  const metadata = [
    stringItem("general.architecture", description.architecture),
    stringItem("general.type", "adapter"),
    stringItem("adapter.type", "lora"),
    float32Item("adapter.lora.alpha", alpha),
  ];
  writeGguf(
    path,
    metadata,
    layers.flatMap((layer) => adapterTensors(folder, layer, description, alpha === 0)),
  );
}

function readLayers(
  folder: string,
  config: Readonly<Record<string, unknown>>,
  tensors: ReadonlyMap<string, Tensor>,
): LoraLayer[] {
  const pathOf = (name: string) => /^(.*)\.lora_A\.weight$/.exec(name)?.[1];
  const alphaOf = loraAlphas(
    folder,
    config,
    [...tensors.keys()].flatMap((name) => pathOf(name) ?? []),
  );
  const layers: LoraLayer[] = [];
  for (const [name, down] of tensors) {
    const path = pathOf(name);
    const up = tensors.get(`${path}.lora_B.weight`);
    if (path === undefined || up === undefined) continue;
    // rsLoRA divides by the square root of the rank, readers of GGUF by the rank.
    const rsloraFactor = config["use_rslora"] === true ? Math.sqrt(down.size(0)) : 1;
    layers.push({ path, down, up, alpha: alphaOf(path) * rsloraFactor });
  }
  const taken = new Set<unknown>(layers.flatMap(({ down, up }) => [down, up]));
  for (const [name, tensor] of tensors) if (!taken.has(tensor)) throw unsupportedTensorError(folder, name);
  return layers;
}

function adapterTensors(
  folder: string,
  { path, down, up, alpha }: LoraLayer,
  { architecture: name, heads, tiedEmbeddings }: GgufDescription,
  foldScale: boolean,
): GgufTensorSource[] {
  const architecture = requireArchitecture(name);
  const weight = `${path}.weight`;
  const stored = toGgufName(architecture, weight);
  const isAbsent = stored === "token_embd.weight" || (tiedEmbeddings && stored === "output.weight");
  if (stored === undefined || isAbsent) throw unsupportedTensorError(folder, weight);
  const convention = weightConversion(architecture, weight);
  const scale = foldScale ? alpha / down.size(0) : 1;
  const type = tensorTypeByName("F32");
  const inFormat = () => toGguf(mulScalar(toDType(up, "float32"), scale), convention, heads);
  return [
    { name: `${stored}.lora_a`, type, shape: down.shape, load: () => toDType(down, "float32") },
    { name: `${stored}.lora_b`, type, shape: up.shape, load: inFormat },
  ];
}

function unsupportedTensorError(folder: string, name: string): ScaloraError {
  return new ScaloraError("usage", "A GGUF adapter cannot hold this part of the adapter", {
    where: folder,
    expected: "factors of linear layers",
    found: name,
    fix: "export it as merged (--as merged)",
  });
}
