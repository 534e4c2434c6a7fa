import type { Module } from "../../nn/index.ts";
import { divScalar, mul, noGrad, scope, sqrt } from "../../torch/index.ts";
import { NonZeroInitAdapters, NonZeroInitBank } from "../compensated/non-zero-init.ts";
import { makeBanks } from "../core/low-rank-adapters.ts";
import { truncatedSvd } from "../core/truncated-svd.ts";
import { planOf } from "../lora/lora.ts";
import type { ScaledRankOptions } from "../options/fields.ts";

/**
 * PiSSA (arXiv 2404.02948): LoRA from `A = U √(Σ/s)`, `B = V √(Σ/s)` of the r leading singular triplets of W, which the base
 * gives up. The start does not depend on a seed.
 */
export function attachPissa(model: Module, options: ScaledRankOptions): NonZeroInitAdapters {
  const plan = planOf(model, options);
  const adapters = new NonZeroInitAdapters(
    "pissa",
    model,
    makeBanks(plan, NonZeroInitBank),
    plan.modulesToSave,
  );
  noGrad(() => {
    for (const bank of adapters.banks)
      bank.layers.forEach(({ linear }, index) => {
        scope(() => {
          const { left, values, right } = truncatedSvd(linear.denseWeight(), bank.shape.rank);
          const roots = sqrt(divScalar(values, bank.shape.scale));
          bank.begin(index, mul(left, roots), mul(right, roots));
        });
      });
  });
  return adapters;
}
