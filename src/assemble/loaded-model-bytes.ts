import type { ModelConfig } from "../config/index.ts";
import { isGgufFile } from "../gguf/index.ts";
import { ModelWeights } from "../model-files/model-weights.ts";
import { largestOf } from "../util/elements.ts";
import { computeDType } from "./load-base-model.ts";

/** Bytes of a number in NF4 with its scales, and the dtype's bytes of others. */
const nf4Bytes = 0.52;

/**
 * Memory that loading a model allocates: weights in another dtype than the files', from GGUF files, or quantised; weights that
 * are mapped unchanged take none. Reads only headers.
 * @param sharedBy the number of ranks that the weights are shared out between: each then has its part of all, and the buffers into
 * which two blocks and the largest other weight are gathered
 * @param isCopied whether no weight stays in its file: on a GPU
 * @throws ScaloraError `model` or `format` for files that cannot be read
 */
export function loadedModelBytes(
  { path, dtype, quantization }: ModelConfig,
  { sharedBy = 1, isCopied = false }: { sharedBy?: number | undefined; isCopied?: boolean } = {},
): number {
  using weights = ModelWeights.open(path);
  const [name, width] = computeDType(dtype) === "float32" ? (["F32", 4] as const) : (["BF16", 2] as const);
  const blocks = new Map<string, number>();
  let [bytes, largest] = [0, 0];
  for (const tensor of weights.names()) {
    const { shape, dtype: stored } = weights.entry(tensor);
    const numbers = shape.reduce((product, extent) => product * extent, 1);
    const isQuantised = quantization === "nf4" && isBlockWeight(tensor, shape);
    const size = numbers * (isQuantised ? nf4Bytes : width);
    if (isCopied || sharedBy > 1 || quantization === "nf4" || isGgufFile(path) || stored !== name)
      bytes += size;
    const block = blockName.exec(tensor)?.[0];
    if (block === undefined) largest = Math.max(largest, size);
    else blocks.set(block, (blocks.get(block) ?? 0) + size);
  }
  return sharedBy === 1 ? bytes : bytes / sharedBy + 2 * largestOf([0, ...blocks.values()]) + largest;
}

/** The part of a tensor's name that all of a block have. */
const blockName = /^(?:.*\.)?(?:layers?|blk)\.\d+\./;

const isBlockWeight = (name: string, shape: readonly number[]) =>
  shape.length === 2 && /(^|\.)(layers?|blk)\.\d+\./.test(name);
