import {
  cat,
  contiguous,
  mulScalar,
  noGrad,
  scope,
  select,
  type Tensor,
  transpose,
} from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import type { LowRankBank } from "../core/bank.ts";
import { adapterExportError } from "../core/layer-adapters.ts";
import type { LowRankAdapters } from "../core/low-rank-adapters.ts";
import { type StoredFactors, writeFactors } from "./lora-format.ts";
import { fullyTrainedModulesOf } from "./save-adapter.ts";

/**
 * Writes the adapter of a method that merges into its base: over a factored base, the merged columns and the factors together
 * are one LoRA adapter whose rank is the sum of theirs.
 * @throws ScaloraError `usage` where the base itself has changed
 */
export function saveMergingAdapter(folder: string, adapters: LowRankAdapters, baseModel: string): void {
  writeFactors(folder, joinedFactors(adapters), baseModel, fullyTrainedModulesOf(adapters));
}

/** What was merged and the factors, layer by layer. @throws ScaloraError `usage` where the base itself has changed */
export function joinedFactors({ method, bases, banks }: LowRankAdapters): StoredFactors[] {
  if (!bases.every(({ frozenDelta }) => frozenDelta))
    throw adapterExportError(
      `${method} merges into the base as it trains, so its adapter alone is not what was learnt (exportWithBase, from code, saves it with its base)`,
    );
  return banks.flatMap((bank) => bank.layers.map((_, index) => joinedFactorsOf(bank, index)));
}

/** `[P | s·A]` and `[Q | B]ᵀ` of a layer: all of its change, at scale 1. */
function joinedFactorsOf(bank: LowRankBank, index: number): StoredFactors {
  const { shape, A, B } = bank;
  const frozen = bank.frozenDelta?.(index);
  const rank = shape.rank + (frozen?.P.shape[1] ?? 0);
  const own = (stack: Tensor) => select(stack, 0, index);
  const load = (of: () => Tensor) => () => noGrad(() => scope(of));
  const join = (first: Tensor | undefined, second: Tensor) =>
    first ? cat([first, second], { dim: 1 }) : second;
  return {
    path: elementAt(bank.layers, index).path,
    rank,
    alpha: rank,
    up: {
      shape: [shape.m, rank],
      dtype: A.dtype,
      load: load(() => join(frozen?.P, mulScalar(own(A), shape.scale))),
    },
    down: {
      shape: [rank, shape.n],
      dtype: B.dtype,
      load: load(() => contiguous(transpose(join(frozen?.Q, own(B)), 0, 1))),
    },
  };
}
