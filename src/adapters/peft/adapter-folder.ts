import { existsSync } from "node:fs";
import { join } from "node:path";
import { allFinite, countNonFinite } from "../../nn/index.ts";
import { SafetensorsFile, type TensorSource, writeSafetensors } from "../../safetensors/index.ts";
import { allOrNothing, type Tensor } from "../../torch/index.ts";
import { writeFolderAtomic } from "../../util/atomic-folder.ts";
import { ScaloraError } from "../../util/errors.ts";
import { writeFileAtomic } from "../../util/files.ts";
import { adapterConfigName, type PeftConfig, readAdapterConfig } from "./adapter-config.ts";

const weightsName = "adapter_model.safetensors";

/** Key of the weights file's metadata, which PEFT passes over. */
const baseFingerprintKey = "scalora.base";

/** PEFT wraps the model twice, and its files' names say so. */
const peftPrefix = "base_model.model.";

/** An adapter as PEFT stores it, as plain data; it owns its tensors. */
export interface AdapterFolder extends Disposable {
  readonly config: PeftConfig;
  /** By the model's own names: `model.layers.0.self_attn.q_proj.lora_A.weight`. Mapped. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Names the weights it was made for (`baseFingerprint`); undefined where another program wrote the folder. */
  readonly baseFingerprint: string | undefined;
}

/**
 * Reads a PEFT adapter folder. Names lose PEFT's `base_model.model.` and an adapter name (`lora_A.default.weight`).
 * @throws ScaloraError `model` or `format`
 */
export function readAdapterFolder(folder: string): AdapterFolder {
  const config = readAdapterConfig(folder);
  if (!existsSync(join(folder, weightsName))) {
    const pickled = existsSync(join(folder, "adapter_model.bin"));
    throw new ScaloraError("model", `The adapter folder has no ${weightsName}`, {
      where: folder,
      ...(pickled
        ? { found: "adapter_model.bin", fix: "convert the pickled adapter to safetensors first" }
        : {}),
    });
  }
  using file = SafetensorsFile.open(join(folder, weightsName));
  const tensors = new Map<string, Tensor>();
  allOrNothing(() => {
    for (const name of file.header.entries.keys())
      tensors.set(fromPeftName(file.path, name), file.tensor(name));
    for (const [name, tensor] of tensors) assertFinite(file.path, name, tensor);
  });
  return {
    config,
    tensors,
    baseFingerprint: file.header.metadata.get(baseFingerprintKey),
    [Symbol.dispose]: () => {
      for (const tensor of tensors.values()) tensor.dispose();
    },
  };
}

/**
 * Writes a PEFT adapter folder, complete or not at all.
 * @param tensors by the model's own names, as `readAdapterFolder` gives them
 * @param baseFingerprint names the weights it is made for
 */
export function writeAdapterFolder(
  folder: string,
  config: PeftConfig,
  tensors: Iterable<readonly [string, TensorSource]>,
  baseFingerprint?: string,
): void {
  const renamed: (readonly [string, TensorSource])[] = [];
  for (const [name, tensor] of tensors) renamed.push([peftPrefix + name, tensor]);
  writeFolderAtomic(folder, (temporary) => {
    writeFileAtomic(join(temporary, adapterConfigName), `${JSON.stringify(config, null, 2)}\n`);
    writeSafetensors(join(temporary, weightsName), renamed, {
      format: "pt",
      ...(baseFingerprint !== undefined && { [baseFingerprintKey]: baseFingerprint }),
    });
  });
}

function assertFinite(path: string, name: string, tensor: Tensor): void {
  if (allFinite(tensor)) return;
  throw new ScaloraError("model", "A weight of the adapter is not finite (NaN or infinite)", {
    where: path,
    found: `${name} (${countNonFinite(tensor)} of ${tensor.numel} numbers)`,
    fix: "fetch the file again, or use another adapter",
  });
}

function fromPeftName(path: string, name: string): string {
  if (!name.startsWith(peftPrefix)) {
    throw new ScaloraError("format", `A tensor of the adapter has an unexpected name`, {
      where: path,
      expected: `names that begin with ${peftPrefix}`,
      found: name,
    });
  }
  return name.slice(peftPrefix.length).replace(/\.(lora_[AB])\.[^.]+\.weight$/, ".$1.weight");
}
