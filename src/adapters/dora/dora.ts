import type { Module } from "../../nn/index.js";
import { FactorAdapters, makeBanks, type ScaledTarget } from "../core/factor-adapters.js";
import {
  copyFolder,
  folderTensors,
  type PeftFormat,
  readPlan,
  wholeOf,
  writePeft,
} from "../core/peft-folder.js";
import { checkShape } from "../core/peft-layer.js";
import { drawFactors, type LoraOptions, planOf } from "../lora/lora.js";
import { layersOf, loraConfig, loraFormat, scaledTarget } from "../lora/peft.js";
import { DoraBank } from "./bank.js";

const magnitudeName = ".lora_magnitude_vector";

/** PEFT's LoRA folders with `use_dora`. */
const doraFormat: PeftFormat<DoraBank, ScaledTarget> = {
  neutral: { ...loraFormat.neutral, use_dora: [true] },
  suffixes: [...loraFormat.suffixes, magnitudeName],
  target: (found) => {
    checkShape(found, magnitudeName, [found.linear.weight.shape[0]]);
    return scaledTarget(found);
  },
  parts: (bank) => [...loraFormat.parts(bank), { stack: bank.magnitude, turned: false }],
};

/**
 * DoRA (arXiv 2402.09353): the rows of W have directions, which LoRA changes, and lengths, which are trained by themselves.
 * The effective weight is `magnitude ∘ (W + sABᵀ) / ‖W + sABᵀ‖` by rows (the paper's columns of its transposed W).
 */
export class DoraAdapters extends FactorAdapters<DoraBank> {
  saveAdapter(folder: string, baseModel: string): void {
    const config = { ...loraConfig(layersOf(this)), use_dora: true };
    writePeft(folder, folderTensors(this, doraFormat), config, baseModel, wholeOf(this));
  }
}

export function attachDora(model: Module, options: LoraOptions, seed: number): DoraAdapters {
  const { from } = options;
  const plan = from === undefined ? planOf(model, options) : readPlan(from, model, doraFormat);
  const adapters = new DoraAdapters("dora", model, makeBanks(plan, DoraBank), plan.saved);
  if (from === undefined) drawFactors(adapters, options.init ?? "kaiming", seed);
  for (const bank of adapters.banks) bank.startMagnitudes();
  if (from !== undefined) copyFolder(from, adapters, doraFormat);
  return adapters;
}
