import type { Module } from "../../nn/index.ts";
import type { TensorSource } from "../../safetensors/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { adapterSet } from "../core/layer-adapters.ts";
import {
  type LowRankAdapters,
  type LowRankTarget,
  lowRankParts,
  makeBanks,
} from "../core/low-rank-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { initialiseBanks, planOf } from "../lora/attach-lora.ts";
import type { LoraOptions } from "../lora/options.ts";
import { checkShape } from "../peft/check-peft-layer.ts";
import { loadPeftWeights, readPlan } from "../peft/load-adapter.ts";
import {
  type LoraLayerConfig,
  loraConfig,
  loraFormat,
  loraLayerConfigs,
  type StoredFactors,
  scaledTarget,
  storedTensors,
} from "../peft/lora-format.ts";
import type { PeftFormat } from "../peft/peft-format.ts";
import {
  type FullyTrainedModules,
  folderTensors,
  fullyTrainedModulesOf,
  stackSource,
  writePeft,
} from "../peft/save-adapter.ts";
import { DoraBank } from "./dora-bank.ts";

const magnitudeName = ".lora_magnitude_vector";

/** PEFT's LoRA folders with `use_dora`. */
const doraFormat: PeftFormat<DoraBank, LowRankTarget> = {
  supported: { ...loraFormat.supported, use_dora: [true] },
  suffixes: [...loraFormat.suffixes, magnitudeName],
  target: (found) => {
    checkShape(found, magnitudeName, [found.linear.weight.shape[0]]);
    return scaledTarget(found);
  },
  parts: (bank) => [...loraFormat.parts(bank), { stack: bank.magnitude, transposed: false }],
};

/** Writes the factors, magnitudes and saved modules as a PEFT DoRA folder. */
function writeDoraAdapters(folder: string, adapters: LowRankAdapters<DoraBank>, baseModel: string): void {
  const tensors = folderTensors(adapters, doraFormat);
  writeDora(folder, tensors, loraLayerConfigs(adapters), baseModel, fullyTrainedModulesOf(adapters));
}

/** Writes a PEFT DoRA folder of any factors with the magnitudes of their layers. */
export function writeDoraFactors(
  folder: string,
  layers: readonly StoredFactors[],
  banks: readonly DoraBank[],
  baseModel: string,
  whole: FullyTrainedModules,
): void {
  const magnitudes = banks.flatMap((bank) =>
    bank.layers.map(({ path }, index) => [path + magnitudeName, stackSource(bank.magnitude, index)] as const),
  );
  writeDora(folder, [...layers.flatMap(storedTensors), ...magnitudes], layers, baseModel, whole);
}

function writeDora(
  folder: string,
  tensors: Iterable<readonly [string, TensorSource]>,
  layers: readonly LoraLayerConfig[],
  baseModel: string,
  whole: FullyTrainedModules,
): void {
  writePeft(folder, tensors, { ...loraConfig(layers), use_dora: true }, baseModel, whole);
}

/**
 * DoRA (arXiv 2402.09353): the rows of W have directions, which LoRA changes, and lengths, which are trained by themselves.
 * The effective weight is `magnitude ∘ (W + sABᵀ) / ‖W + sABᵀ‖` by rows (the paper's columns of its transposed W).
 */
export function attachDora(
  model: Module,
  options: LoraOptions,
  { seed }: AttachContext,
): LowRankAdapters<DoraBank> {
  const { from } = options;
  const plan = from === undefined ? planOf(model, options) : readPlan(from, model, doraFormat);
  const banks = makeBanks(plan, DoraBank);
  const parts = lowRankParts(model, plan, banks);
  const adapters = adapterSet({ method: "dora", ...parts, saveAdapter: writeDoraAdapters });
  disposeOnError([adapters], () => {
    if (from === undefined) initialiseBanks(banks, options.init, seed);
    for (const bank of banks) bank.startMagnitudes();
    if (from !== undefined) loadPeftWeights(from, adapters, doraFormat);
  });
  return adapters;
}
