import type { Module } from "../../nn/index.ts";
import type { LowRankAdapters } from "../core/low-rank-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { attachFactors, resolveLoraPlan } from "../lora/attach-lora.ts";
import type { LoraOptions } from "../lora/options.ts";

interface LoraPlusOptions extends LoraOptions {
  /** Learning rate of A over that of B. */
  readonly ratio: number;
}

/** LoRA+ (arXiv 2402.12354): LoRA with a separate learning rate for A, PEFT's `lora_B`. */
export function attachLoraPlus(
  model: Module,
  options: LoraPlusOptions,
  { seed }: AttachContext,
): LowRankAdapters {
  const adapters = attachFactors("lora+", model, resolveLoraPlan(model, options), options, seed);
  for (const { lrFactors } of adapters.banks) lrFactors["A"] = options.ratio;
  return adapters;
}
