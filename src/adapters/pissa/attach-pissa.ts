import type { Module } from "../../nn/index.ts";
import { divScalar, mul, noGrad, scope, sqrt } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { adapterSet } from "../core/layer-adapters.ts";
import { type LowRankAdapters, lowRankParts, makeBanks } from "../core/low-rank-adapters.ts";
import { truncatedSvd } from "../core/truncated-svd.ts";
import { planOf } from "../lora/attach-lora.ts";
import { NonZeroInitBank, writeNonZeroInit } from "../non-zero-init/non-zero-init-bank.ts";
import type { ScaledRankOptions } from "../options/fields.ts";

/**
 * PiSSA (arXiv 2404.02948): LoRA from `A = U √(Σ/s)`, `B = V √(Σ/s)` of the r leading singular triplets of W, which the base
 * gives up. The start does not depend on a seed.
 */
export function attachPissa(model: Module, options: ScaledRankOptions): LowRankAdapters<NonZeroInitBank> {
  const plan = planOf(model, options);
  const banks = makeBanks(plan, NonZeroInitBank);
  const parts = lowRankParts(model, plan, banks);
  const adapters = adapterSet({ method: "pissa", ...parts, saveAdapter: writeNonZeroInit });
  disposeOnError([adapters], () =>
    noGrad(() => {
      for (const bank of banks)
        bank.layers.forEach(({ linear }, index) => {
          scope(() => {
            const { left, values, right } = truncatedSvd(linear.denseWeight(), bank.shape.rank);
            const roots = sqrt(divScalar(values, bank.shape.scale));
            bank.begin(index, mul(left, roots), mul(right, roots));
          });
        });
    }),
  );
  return adapters;
}
