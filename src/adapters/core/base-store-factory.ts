import { type Linear, QuantisedWeight } from "../../nn/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { BaseOptions } from "../options/fields.ts";
import type { NamedLinear } from "./bank.ts";
import { type BaseStore, ExactBase, SplitBase } from "./base-store.ts";
import { defaultBaseRank, FrozenDeltaBase } from "./frozen-delta-base.ts";

const exact = (layers: readonly NamedLinear[]): BaseStore => new ExactBase(layers);
const split = (layers: readonly NamedLinear[]): BaseStore => new SplitBase(layers);

/**
 * What makes a store for weights as they are loaded.
 * @param rank columns of each merge
 * @throws `config` for a storage that their dtype or rank cannot use, and for quantised weights but under a factored base
 */
export function baseStoreFactory(
  linear: Linear,
  { base, baseRank }: Pick<BaseOptions, "base" | "baseRank">,
  rank: number,
): (layers: readonly NamedLinear[]) => BaseStore {
  if (base === "factored") return factored(baseRank ?? defaultBaseRank(rank), rank);
  const { dtype } = weightToChange(linear);
  const isHalf = dtype === "bfloat16";
  if (base === "exact" && isHalf) {
    throw new ScaloraError(
      "config",
      "base: exact needs weights in float32; merging into bfloat16 would round the method away",
      {
        where: "adapter.base",
        found: `weights in ${dtype}`,
        fix: "use base: split, or model.dtype: float32",
      },
    );
  }
  if (base === "split" && !isHalf) {
    throw new ScaloraError("config", "base: split is for compute in bfloat16", {
      where: "adapter.base",
      found: `weights in ${dtype}`,
      fix: "use base: exact, or model.dtype: bfloat16",
    });
  }
  return isHalf ? split : exact;
}

/** @throws `config` for a quantised weight */
function weightToChange({ weight }: Linear): Linear["weight"] {
  if (!(weight instanceof QuantisedWeight)) return weight;
  throw new ScaloraError("config", "Nothing can be merged into a quantised weight", {
    where: "adapter.base",
    found: `weights in ${weight.format}`,
    fix: "use base: factored, which keeps what is merged beside the weights",
  });
}

function factored(baseRank: number, rank: number): (layers: readonly NamedLinear[]) => BaseStore {
  if (baseRank >= rank) return (layers) => new FrozenDeltaBase(layers, baseRank);
  throw new ScaloraError("config", "A factored base needs at least the rank of one merge", {
    where: "adapter.baseRank",
    expected: `at least the adapter's rank, ${rank}`,
    found: String(baseRank),
  });
}
