import type { Module } from "../../nn/index.js";
import { Generator } from "../../torch/index.js";
import { FactorAdapters, type ScaledTarget } from "../core/factor-adapters.js";
import { findTargets, type TargetOptions } from "../core/targets.js";
import { initialiseFactors, type LoraInit } from "./init.js";
import { copyFactors, readLora } from "./peft.js";

/** Options of the methods that adapt with two factors. */
export interface LoraOptions extends TargetOptions {
  /** Scale numerator: s = alpha / rank. Default 2 · rank. */
  readonly alpha?: number;
  /** s = alpha / √rank (arXiv 2312.03732). */
  readonly rslora?: boolean;
  readonly init?: LoraInit;
  /** A PEFT folder to go on from: its layers, ranks and scales are taken, and its factors. */
  readonly from?: string;
}

/** LoRA (arXiv 2106.09685): a frozen base and one pair of factors per layer. */
export function attachLora(model: Module, options: LoraOptions, seed: number): FactorAdapters {
  const targets = lowRankTargets(model, options);
  const adapters = new FactorAdapters("lora", model, targets);
  startFactors(adapters, options, seed);
  return adapters;
}

/** The layers to adapt with their ranks and scales: from the options, or from the folder they go on from. */
export function lowRankTargets(model: Module, options: LoraOptions): ScaledTarget[] {
  if (options.from !== undefined) return readLora(options.from, model).targets;
  const alpha = options.alpha ?? 2 * options.rank;
  return findTargets(model, options).map((target) => ({
    ...target,
    scale: alpha / (options.rslora ? Math.sqrt(target.rank) : target.rank),
  }));
}

/** Draws the factors from `seed`, or takes them from the folder that training goes on from. */
export function startFactors(adapters: FactorAdapters, options: LoraOptions, seed: number): void {
  if (options.from !== undefined) {
    copyFactors(options.from, adapters);
    return;
  }
  using generator = new Generator(seed, adapters.banks[0].B.device);
  for (const bank of adapters.banks) initialiseFactors(bank, options.init ?? "kaiming", generator);
}
