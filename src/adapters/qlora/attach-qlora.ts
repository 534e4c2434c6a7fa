import type { Module } from "../../nn/index.ts";
import { Nf4Base } from "../../nn/index.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { LowRankAdapters } from "../core/low-rank-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { attachFactors, resolveLoraPlan } from "../lora/attach-lora.ts";
import type { LoraOptions } from "../lora/options.ts";

/**
 * QLoRA (arXiv 2305.14314): LoRA on weights that are kept in 4 bits. What else the options name (a pooler, outside the blocks)
 * is adapted as LoRA adapts it.
 * @throws ScaloraError `config` where no adapted weight is in 4 bits
 */
export function attachQlora(model: Module, options: LoraOptions, { seed }: AttachContext): LowRankAdapters {
  const plan = resolveLoraPlan(model, options);
  if (!plan.targets.some(({ linear }) => linear.weight instanceof Nf4Base))
    throw new ScaloraError("config", "QLoRA adapts weights in 4 bits, and none of these is", {
      where: "adapter.targetModules",
      found: `${elementAt(plan.targets, 0).path} in ${elementAt(plan.targets, 0).linear.weight.dtype}`,
      fix: "load the model with quantization: nf4 (linear layers within blocks get it), or use method lora",
    });
  return attachFactors("qlora", model, plan, options, seed);
}

/** The same factors, whatever the weights are stored in: for a model of which there are only shapes. */
export const attachToAnyWeights = (
  model: Module,
  options: LoraOptions,
  { seed }: AttachContext,
): LowRankAdapters => attachFactors("qlora", model, resolveLoraPlan(model, options), options, seed);
