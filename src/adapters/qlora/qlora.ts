import type { Module } from "../../nn/index.js";
import { Nf4Weight } from "../../nn/index.js";
import { ScaloraError } from "../../util/errors.js";
import { FactorBank } from "../core/bank.js";
import { makeBanks } from "../core/factor-adapters.js";
import { LoraAdapters, type LoraOptions, lowRankTargets, startFactors } from "../lora/lora.js";

/** QLoRA (arXiv 2305.14314): LoRA on weights that are kept in 4 bits. @throws ScaloraError `config` on one that is not */
export function attachQlora(model: Module, options: LoraOptions, seed: number): LoraAdapters {
  const plan = lowRankTargets(model, options);
  for (const { path, linear } of plan.targets) {
    if (linear.weight instanceof Nf4Weight) continue;
    throw new ScaloraError("config", "QLoRA adapts weights in 4 bits, and this one is not", {
      where: path,
      found: linear.weight.dtype,
      fix: "load the model with quantization: nf4 (linear layers within blocks get it), leave the layer out, or use method lora",
    });
  }
  const adapters = new LoraAdapters("qlora", model, makeBanks(plan, FactorBank), plan.saved);
  startFactors(adapters, options, seed);
  return adapters;
}
