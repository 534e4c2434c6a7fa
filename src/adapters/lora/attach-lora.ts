import type { Module } from "../../nn/index.ts";
import { Generator } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { elementAt } from "../../util/elements.ts";
import { LowRankBank } from "../core/bank.ts";
import { adapterSet } from "../core/layer-adapters.ts";
import {
  type LowRankAdapters,
  type LowRankPlan,
  lowRankParts,
  lowRankPlan,
  makeBanks,
} from "../core/low-rank-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import type { ScaledRankOptions, StartOptions } from "../options/fields.ts";
import { loadPeftWeights, readPlan } from "../peft/load-adapter.ts";
import { loraFormat, writeLora } from "../peft/lora-format.ts";
import { initialiseFactors, type LoraInit } from "./init.ts";
import type { LoraOptions } from "./options.ts";

/** LoRA (arXiv 2106.09685): a frozen base and one pair of factors per layer. */
export function attachLora(model: Module, options: LoraOptions, { seed }: AttachContext): LowRankAdapters {
  return attachFactors("lora", model, resolveLoraPlan(model, options), options, seed);
}

/** Puts factors on the layers of a plan, as LoRA does. */
export function attachFactors(
  method: string,
  model: Module,
  plan: LowRankPlan,
  options: StartOptions,
  seed: number,
): LowRankAdapters {
  const banks = makeBanks(plan, LowRankBank);
  const adapters = adapterSet({ method, ...lowRankParts(model, plan, banks), saveAdapter: writeLora });
  disposeOnError([adapters], () => initialiseOrLoadFactors(adapters, options, seed));
  return adapters;
}

/** From the options, or from the folder that training continues from. */
export function resolveLoraPlan(model: Module, options: LoraOptions): LowRankPlan {
  return options.from === undefined ? planOf(model, options) : readPlan(options.from, model, loraFormat);
}

/** The layers that the options name, with ranks and scales. */
export function planOf(model: Module, options: ScaledRankOptions): LowRankPlan {
  const { alpha, rslora } = options;
  return lowRankPlan(model, options, ({ rank }) => alpha / (rslora ? Math.sqrt(rank) : rank));
}

/** Draws the factors from `seed`, or loads them from the folder that training continues from. */
export function initialiseOrLoadFactors(
  adapters: LowRankAdapters,
  options: StartOptions,
  seed: number,
): void {
  if (options.from !== undefined) loadPeftWeights(options.from, adapters, loraFormat);
  else initialiseBanks(adapters.banks, options.init, seed);
}

/** Draws the second factor of every bank. */
export function initialiseBanks(banks: readonly LowRankBank[], init: LoraInit, seed: number): void {
  using generator = new Generator(seed, elementAt(banks, 0).B.device);
  for (const bank of banks) initialiseFactors(bank, init, generator);
}
