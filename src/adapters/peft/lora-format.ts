import type { TensorSource } from "../../safetensors/index.ts";
import type { LowRankBank } from "../core/bank.ts";
import type { LowRankAdapters, LowRankTarget } from "../core/low-rank-adapters.ts";
import { loraSupported } from "./check-adapter-config.ts";
import { factorRank, type PeftLayer } from "./check-peft-layer.ts";
import type { PeftFormat } from "./peft-format.ts";
import {
  type FullyTrainedModules,
  folderTensors,
  fullyTrainedModulesOf,
  withPattern,
  writePeft,
} from "./save-adapter.ts";

// PEFT's names cross ours: its `lora_A.weight` is our Bᵀ [r, n], its `lora_B.weight` our A [m, r].
const [downName, upName] = [".lora_A.weight", ".lora_B.weight"];

/** PEFT's LoRA folders. */
export const loraFormat: PeftFormat<LowRankBank, LowRankTarget> = {
  supported: loraSupported,
  suffixes: [downName, upName],
  target: scaledTarget,
  parts: (bank) => [
    { stack: bank.stack("B"), transposed: true },
    { stack: bank.stack("A"), transposed: false },
  ],
};

/** A layer's rank from its tensors, and its scale from the config. */
export function scaledTarget(found: PeftLayer): LowRankTarget {
  const { path, linear, config } = found;
  const rank = factorRank(found, downName, upName);
  return {
    path,
    linear,
    rank,
    scale: found.alpha() / (config["use_rslora"] === true ? Math.sqrt(rank) : rank),
  };
}

/**
 * Writes the factors and saved modules as a PEFT LoRA folder that `PeftModel.from_pretrained` loads.
 * @param base names the weights that the factors belong to (`baseFingerprint`)
 */
export function writeLora(
  folder: string,
  adapters: LowRankAdapters,
  baseModel: string,
  base = adapters.base,
): void {
  const tensors = folderTensors(adapters, loraFormat);
  const config = loraConfig(loraLayerConfigs(adapters));
  writePeft(folder, tensors, config, baseModel, { ...fullyTrainedModulesOf(adapters), base });
}

/** The adapted layers with their ranks and numerators. */
export function loraLayerConfigs({ banks }: LowRankAdapters): LoraLayerConfig[] {
  return banks.flatMap(({ layers, shape: { rank, scale } }) =>
    layers.map(({ path }) => ({ path, rank, alpha: scale * rank })),
  );
}

/** A layer with its rank and the numerator of its scale. */
export interface LoraLayerConfig {
  readonly path: string;
  readonly rank: number;
  readonly alpha: number;
}

/** One layer's factors on their way into a folder. */
export interface StoredFactors extends LoraLayerConfig {
  /** A, `[m, r]` */
  readonly up: TensorSource;
  /** Bᵀ, `[r, n]` */
  readonly down: TensorSource;
}

/** Writes a PEFT LoRA folder of any factors. */
export function writeFactors(
  folder: string,
  layers: readonly StoredFactors[],
  baseModel: string,
  whole: FullyTrainedModules,
): void {
  writePeft(folder, layers.flatMap(storedTensors), loraConfig(layers), baseModel, whole);
}

/** The factors of a layer by their names in a folder. */
export function storedTensors({ path, up, down }: StoredFactors): [string, TensorSource][] {
  return [
    [path + downName, down],
    [path + upName, up],
  ];
}

/** The keys of PEFT's LoRA config that say how to compute. */
export function loraConfig(layers: readonly LoraLayerConfig[]): Record<string, unknown> {
  const ranks = withPattern(layers.map(({ path, rank }) => [path, rank]));
  const alphas = withPattern(layers.map(({ path, alpha }) => [path, alpha]));
  return {
    peft_type: "LORA",
    r: ranks.common,
    lora_alpha: alphas.common,
    rank_pattern: ranks.pattern,
    alpha_pattern: alphas.pattern,
    target_modules: layers.map(({ path }) => path),
    lora_dropout: 0,
    bias: "none",
    use_rslora: false,
    use_dora: false,
    fan_in_fan_out: false,
    init_lora_weights: true,
  };
}
