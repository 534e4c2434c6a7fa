import type { Module } from "../../nn/index.ts";
import type { Trainable } from "../core/adapter-set.ts";
import { LowRankBank } from "../core/bank.ts";
import { type LowRankPlan, makeBanks } from "../core/low-rank-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { initialiseOrLoadFactors, LoraAdapters, resolveLoraPlan } from "../lora/lora.ts";
import type { LoraOptions } from "../lora/options.ts";

interface LoraPlusOptions extends LoraOptions {
  /** Learning rate of A over that of B. */
  readonly ratio: number;
}

/** LoRA+ (arXiv 2402.12354): LoRA with a learning rate of its own for A, PEFT's `lora_B`. */
class LoraPlusAdapters extends LoraAdapters {
  private readonly ratio: number;

  constructor(model: Module, plan: LowRankPlan, ratio: number) {
    super("lora+", model, makeBanks(plan, LowRankBank), plan.modulesToSave);
    this.ratio = ratio;
  }

  override trainables(): Trainable[] {
    const outer = new Set(this.banks.map(({ A }) => A));
    return super.trainables().map((one) => (outer.has(one.value) ? { ...one, lrFactor: this.ratio } : one));
  }
}

export function attachLoraPlus(
  model: Module,
  options: LoraPlusOptions,
  { seed }: AttachContext,
): LoraAdapters {
  const plan = resolveLoraPlan(model, options);
  const adapters = new LoraPlusAdapters(model, plan, options.ratio);
  initialiseOrLoadFactors(adapters, options, seed);
  return adapters;
}
