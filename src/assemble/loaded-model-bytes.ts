import type { ModelConfig } from "../config/index.ts";
import { isGgufFile } from "../gguf/index.ts";
import { ModelWeights } from "../model-files/model-weights.ts";
import { computeDType } from "./load-base-model.ts";

/** Bytes of a number in NF4 with its scales, and the dtype's bytes of others. */
const nf4Bytes = 0.52;

/**
 * Memory that loading a model allocates: weights in another dtype than the files', from GGUF files, or quantised; weights that
 * are mapped unchanged take none. Reads only headers.
 * @throws ScaloraError `model` or `format` for files that cannot be read
 */
export function loadedModelBytes({ path, dtype, quantization }: ModelConfig): number {
  using weights = ModelWeights.open(path);
  const [name, width] = computeDType(dtype) === "float32" ? (["F32", 4] as const) : (["BF16", 2] as const);
  let bytes = 0;
  for (const tensor of weights.names()) {
    const { shape, dtype: stored } = weights.entry(tensor);
    const numbers = shape.reduce((product, extent) => product * extent, 1);
    if (quantization === "nf4") bytes += numbers * (isBlockWeight(tensor, shape) ? nf4Bytes : width);
    else if (isGgufFile(path) || stored !== name) bytes += numbers * width;
  }
  return bytes;
}

const isBlockWeight = (name: string, shape: readonly number[]) =>
  shape.length === 2 && /(^|\.)(layers?|blk)\.\d+\./.test(name);
