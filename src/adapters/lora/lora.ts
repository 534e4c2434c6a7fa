import type { Module } from "../../nn/index.ts";
import { Generator } from "../../torch/index.ts";
import { LowRankBank } from "../core/bank.ts";
import { LowRankAdapters, type LowRankPlan, lowRankPlan, makeBanks } from "../core/low-rank-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import type { ScaledRankOptions } from "../options/fields.ts";
import { loadPeftWeights, readPlan } from "../peft/load-adapter.ts";
import { loraFormat, writeLora } from "../peft/lora.ts";
import { initialiseFactors, type LoraInit } from "./init.ts";
import type { LoraOptions } from "./options.ts";

/** LoRA (arXiv 2106.09685): a frozen base and one pair of factors per layer. */
export class LoraAdapters extends LowRankAdapters {
  saveAdapter(folder: string, baseModel: string): void {
    writeLora(folder, this, baseModel);
  }
}

export function attachLora(model: Module, options: LoraOptions, { seed }: AttachContext): LoraAdapters {
  const plan = resolveLoraPlan(model, options);
  const adapters = new LoraAdapters("lora", model, makeBanks(plan, LowRankBank), plan.modulesToSave);
  initialiseOrLoadFactors(adapters, options, seed);
  return adapters;
}

/** From the options, or from the folder they go on from. */
export function resolveLoraPlan(model: Module, options: LoraOptions): LowRankPlan {
  return options.from === undefined ? planOf(model, options) : readPlan(options.from, model, loraFormat);
}

/** The layers that the options name, with ranks and scales. */
export function planOf(model: Module, options: ScaledRankOptions): LowRankPlan {
  const { alpha, rslora } = options;
  return lowRankPlan(model, options, ({ rank }) => alpha / (rslora ? Math.sqrt(rank) : rank));
}

/** Draws the factors from `seed`, or takes them from the folder that training goes on from. */
export function initialiseOrLoadFactors(adapters: LowRankAdapters, options: LoraOptions, seed: number): void {
  if (options.from !== undefined) loadPeftWeights(options.from, adapters, loraFormat);
  else initialiseBanks(adapters, options.init, seed);
}

/** Draws the second factor of every bank. */
export function initialiseBanks({ banks }: LowRankAdapters, init: LoraInit, seed: number): void {
  using generator = new Generator(seed, banks[0].B.device);
  for (const bank of banks) initialiseFactors(bank, init, generator);
}
