import { readAdapterFolder, writeAdapterFolder } from "../../hub/adapter-folder.js";
import type { TensorSource } from "../../hub/safetensors/index.js";
import { isClassifier, type Linear, type Module } from "../../nn/index.js";
import { contiguous, copy_, noGrad, select, type Tensor, transpose } from "../../torch/index.js";
import { ScaloraError } from "../../util/errors.js";
import type { FactorAdapters, LowRankPlan, ScaledTarget } from "../core/factor-adapters.js";
import { isWithin, outermostOf, refuseShared } from "../core/saved-modules.js";
import { linearLayers } from "../core/targets.js";

// PEFT's names cross ours: its `lora_A.weight` is our Bᵀ [r, n], its `lora_B.weight` our A [m, r].
const [downName, upName] = [".lora_A.weight", ".lora_B.weight"];

/** Keys of adapter_config.json that change the computation when they are not at these values. */
const neutral: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ["LORA"],
  use_dora: [false, null, undefined],
  bias: ["none", undefined],
  lora_bias: [false, null, undefined],
  // Other starts (pissa, olora, corda, loftq) take a part of the base weights away, which the folder does not hold.
  init_lora_weights: [true, false, "gaussian", "eva", "orthogonal", undefined],
  fan_in_fan_out: [false, null, undefined],
  layer_replication: [null, undefined],
  trainable_token_indices: [null, undefined],
  target_parameters: [null, undefined],
  alora_invocation_tokens: [null, undefined],
  arrow_config: [null, undefined],
  kasa_config: [null, undefined],
  monteclora_config: [null, undefined],
  use_qalora: [false, null, undefined],
  use_bdlora: [false, null, undefined],
};

/**
 * Reads which layers a PEFT LoRA folder adapts, with their ranks (from the tensors) and scales, and which modules it holds
 * whole.
 * @throws ScaloraError `model` where the folder does not fit the model or is of another method
 */
export function readLora(folder: string, model: Module): LowRankPlan {
  const { config, tensors } = readAdapterFolder(folder);
  try {
    for (const [key, values] of Object.entries(neutral)) {
      if (!values.includes(config[key])) {
        throw new ScaloraError("model", `The adapter's ${key} is not supported`, {
          where: folder,
          expected: String(values[0]),
          found: JSON.stringify(config[key]),
        });
      }
    }
    const linears = new Map(linearLayers(model));
    const targets = pathsOf(tensors).map((path) => target(folder, path, config, tensors, linears));
    const saved = savedIn(config, model);
    checkTensors(folder, tensors, targets, savedShapes(model, saved));
    return { targets, saved };
  } finally {
    for (const tensor of tensors.values()) tensor.dispose();
  }
}

/** The modules of the model that `modules_to_save` names: PEFT's lists hold names for several families. */
function savedIn({ modules_to_save: names }: Readonly<Record<string, unknown>>, model: Module): string[] {
  if (!Array.isArray(names)) return [];
  const paths = [...model.namedModules()].map(([path]) => path);
  const saved = outermostOf(paths.filter((path) => path !== "" && names.some((name) => path.endsWith(name))));
  refuseShared(model, saved);
  return saved;
}

/** Shapes of the parameters of some modules, by name. */
function savedShapes(model: Module, saved: readonly string[]): Map<string, readonly number[]> {
  const within = [...model.namedParameters()].filter(([name]) => isWithin(name, saved));
  return new Map(within.map(([name, { shape }]) => [name, shape]));
}

/** Every tensor of the folder must be one that the model takes, and every saved parameter must be there. */
function checkTensors(
  folder: string,
  tensors: ReadonlyMap<string, Tensor>,
  targets: readonly ScaledTarget[],
  saved: ReadonlyMap<string, readonly number[]>,
): void {
  const known = new Set([
    ...saved.keys(),
    ...targets.flatMap(({ path }) => [path + downName, path + upName]),
  ]);
  const unknown = [...tensors.keys()].find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new ScaloraError("model", "The adapter holds a tensor that the model has no place for", {
      where: folder,
      found: unknown,
    });
  for (const [name, shape] of saved) {
    const found = tensors.get(name)?.shape;
    if (found?.join() === shape.join()) continue;
    throw new ScaloraError("model", "A module saved with the adapter does not fit the model", {
      where: `${folder}: ${name}`,
      expected: `[${shape.join(", ")}]`,
      found: found ? `[${found.join(", ")}]` : "no such tensor",
    });
  }
}

function pathsOf(tensors: ReadonlyMap<string, Tensor>): string[] {
  return [...tensors.keys()]
    .filter((name) => name.endsWith(downName))
    .map((name) => name.slice(0, -downName.length));
}

function target(
  folder: string,
  path: string,
  config: Readonly<Record<string, unknown>>,
  tensors: ReadonlyMap<string, Tensor>,
  linears: ReadonlyMap<string, Linear>,
): ScaledTarget {
  const linear = linears.get(path);
  const down = tensors.get(path + downName);
  const up = tensors.get(path + upName);
  const [rank] = down?.shape ?? [0];
  const fits =
    linear &&
    [rank, linear.weight.shape[1]].join() === down?.shape.join() &&
    [linear.weight.shape[0], rank].join() === up?.shape.join();
  if (!linear || !fits) {
    throw new ScaloraError("model", "The adapter does not fit the model", {
      where: `${folder}: ${path}`,
      expected: linear
        ? `factors for a weight of shape [${linear.weight.shape.join(", ")}]`
        : "a linear layer of this path",
      found: linear
        ? `lora_A [${down?.shape.join(", ")}], lora_B [${up?.shape.join(", ") ?? "missing"}]`
        : "none",
    });
  }
  const alpha = patternValue(config.alpha_pattern, path) ?? config.lora_alpha;
  if (typeof alpha !== "number")
    throw new ScaloraError("format", "The adapter's lora_alpha is not a number", {
      where: folder,
      found: JSON.stringify(alpha),
    });
  return { path, linear, rank, scale: alpha / (config.use_rslora === true ? Math.sqrt(rank) : rank) };
}

/** PEFT's patterns: a key matches a path that ends with it. */
function patternValue(patterns: unknown, path: string): unknown {
  if (typeof patterns !== "object" || patterns === null) return undefined;
  return Object.entries(patterns).find(([key]) => peftPattern(key).test(path))?.[1];
}

function peftPattern(key: string): RegExp {
  try {
    return new RegExp(`^(.*\\.)?(${key})$`);
  } catch (cause) {
    throw new ScaloraError("format", "A pattern of the adapter is not a regular expression", {
      where: "adapter_config.json, alpha_pattern",
      found: key,
      cause,
    });
  }
}

/** Copies the factors and saved modules of a PEFT folder into adapters made from it. */
export function copyFactors(folder: string, adapters: FactorAdapters): void {
  const { tensors } = readAdapterFolder(folder);
  noGrad(() => {
    for (const path of adapters.adaptedPaths()) {
      const { bank, index } = adapters.find(path);
      for (const [stack, name, flip] of [
        [bank.A, upName, false],
        [bank.B, downName, true],
      ] as const) {
        const stored = tensors.get(path + name);
        if (!stored)
          throw new ScaloraError("model", "The adapter lacks a factor", {
            where: `${folder}: ${path}${name}`,
          });
        using slot = select(stack, 0, index);
        using turned = flip ? transpose(stored, 0, 1) : undefined;
        copy_(slot, turned ?? stored);
      }
    }
  });
  noGrad(() => {
    for (const { name, value } of adapters.saved.trainables) {
      const stored = tensors.get(name);
      if (stored) copy_(value, stored);
    }
  });
  for (const tensor of tensors.values()) tensor.dispose();
}

/** Writes the factors and saved modules as a PEFT LoRA folder that `PeftModel.from_pretrained` loads. */
export function writeLora(folder: string, adapters: FactorAdapters, baseModel: string): void {
  const layers = adapters.banks.flatMap((bank) =>
    bank.layers.map(({ path }, index) => ({ path, bank, index, ...bank.shape })),
  );
  const factors = layers.map(({ path, bank, index, rank, scale }) => ({
    path,
    rank,
    alpha: scale * rank,
    up: { shape: [bank.shape.m, rank], dtype: bank.A.dtype, load: () => select(bank.A, 0, index) },
    down: { shape: [rank, bank.shape.n], dtype: bank.B.dtype, load: () => downOf(select(bank.B, 0, index)) },
  }));
  const { model, saved } = adapters;
  const whole = saved.trainables.map(({ name, value }) => [name, value] as const);
  writeFactors(folder, factors, baseModel, { model, paths: saved.paths, tensors: whole });
}

function downOf(B: Tensor): Tensor {
  using turned = transpose(B, 0, 1);
  B.dispose();
  return contiguous(turned);
}

/** One layer's factors on their way into a folder. */
export interface StoredFactors {
  readonly path: string;
  readonly rank: number;
  readonly alpha: number;
  /** A, `[m, r]` */
  readonly up: TensorSource;
  /** Bᵀ, `[r, n]` */
  readonly down: TensorSource;
}

/** The model that an adapter is for, and what of it is stored whole. */
export interface StoredWhole {
  readonly model: Module;
  /** Paths of the modules. */
  readonly paths: readonly string[];
  /** Their parameters, by the model's own names. */
  readonly tensors: readonly (readonly [string, TensorSource])[];
}

/** Writes a PEFT LoRA folder. */
export function writeFactors(
  folder: string,
  layers: readonly StoredFactors[],
  baseModel: string,
  whole: StoredWhole,
): void {
  const tensors = [...stored(layers), ...whole.tensors];
  writeAdapterFolder(folder, configOf(layers, baseModel, whole), tensors);
}

function* stored(layers: readonly StoredFactors[]): Generator<readonly [string, TensorSource]> {
  for (const { path, up, down } of layers) {
    yield [path + downName, down];
    yield [path + upName, up];
  }
}

function configOf(
  layers: readonly StoredFactors[],
  baseModel: string,
  { model, paths }: StoredWhole,
): Record<string, unknown> {
  const [{ rank, alpha }] = layers;
  const differing = <K extends "rank" | "alpha">(key: K, common: number) =>
    Object.fromEntries(
      layers.filter((layer) => layer[key] !== common).map((layer) => [layer.path, layer[key]]),
    );
  return {
    peft_type: "LORA",
    task_type: isClassifier(model) ? "SEQ_CLS" : "CAUSAL_LM",
    base_model_name_or_path: baseModel,
    r: rank,
    lora_alpha: alpha,
    rank_pattern: differing("rank", rank),
    alpha_pattern: differing("alpha", alpha),
    target_modules: layers.map(({ path }) => path),
    lora_dropout: 0,
    bias: "none",
    use_rslora: false,
    use_dora: false,
    fan_in_fan_out: false,
    init_lora_weights: true,
    modules_to_save: paths.length > 0 ? paths : null,
    inference_mode: true,
  };
}
