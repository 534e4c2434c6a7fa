import { checkAdapterConfig, type SupportedSettings } from "../../hub/adapter-config.ts";
import { type AdapterFolder, readAdapterFolder, writeAdapterFolder } from "../../hub/adapter-folder.ts";
import { isClassifier, type Linear, type Module } from "../../nn/index.ts";
import type { TensorSource } from "../../safetensors/index.ts";
import { contiguous, copy_, noGrad, select, type Tensor, transpose } from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { Bank, NamedLinear, StackedParameter } from "./bank.ts";
import { checkBase } from "./base-fingerprint.ts";
import type { LayerAdapters } from "./layer-adapters.ts";
import type { AdapterPlan } from "./low-rank-adapters.ts";
import { isWithin, outermostOf, refuseUntrainable } from "./modules-to-save.ts";
import type { PeftLayer } from "./peft-layer.ts";
import { linearLayers } from "./targets.ts";

type Config = AdapterFolder["config"];

/** How PEFT stores the adapters of a method. */
export interface PeftFormat<B extends Bank, T extends NamedLinear> {
  /** Keys of adapter_config.json that change the computation when they are not at one of these values. */
  readonly neutral: SupportedSettings;
  /** Ends of the names of a layer's tensors, behind its path. */
  readonly suffixes: readonly string[];
  /** The target that makes room for what was found. @throws ScaloraError `model` where it does not fit the layer */
  target(found: PeftLayer): T;
  /** Where a bank keeps the tensors, in the order of the suffixes; a turned one is stored transposed. */
  parts(bank: B): readonly { readonly stack: StackedParameter; readonly transposed: boolean }[];
}

/**
 * Reads which layers a PEFT folder adapts and which modules it holds whole.
 * @throws ScaloraError `model` where the folder does not fit the model or is of another method
 */
export function readPlan<B extends Bank, T extends NamedLinear>(
  folder: string,
  model: Module,
  format: PeftFormat<B, T>,
): AdapterPlan<T> {
  const { config, tensors, baseFingerprint } = readAdapterFolder(folder);
  try {
    checkAdapterConfig(folder, config, format.neutral);
    const linears = new Map(linearLayers(model));
    const targets = pathsOf(tensors, format.suffixes[0]).map((path) =>
      format.target(foundAt(folder, path, config, tensors, format.suffixes, linears)),
    );
    checkBase(folder, baseFingerprint, targets, config.base_model_name_or_path);
    const modulesToSave = savedIn(config, model);
    const own = targets.flatMap(({ path }) => format.suffixes.map((suffix) => path + suffix));
    checkTensors(folder, tensors, own, savedShapes(model, modulesToSave));
    return { targets, modulesToSave };
  } finally {
    for (const tensor of tensors.values()) tensor.dispose();
  }
}

function foundAt(
  folder: string,
  path: string,
  config: Config,
  tensors: ReadonlyMap<string, Tensor>,
  suffixes: readonly string[],
  linears: ReadonlyMap<string, Linear>,
): PeftLayer {
  const linear = linears.get(path);
  if (!linear)
    throw new ScaloraError("model", "The adapter does not fit the model", {
      where: `${folder}: ${path}`,
      expected: "a linear layer of this path",
      found: "none",
    });
  const own: Record<string, Tensor> = {};
  for (const suffix of suffixes) {
    const tensor = tensors.get(path + suffix);
    if (!tensor)
      throw new ScaloraError("model", "The adapter lacks a tensor", {
        where: `${folder}: ${path}${suffix}`,
      });
    own[suffix] = tensor;
  }
  return { folder, path, linear, config, tensors: own };
}

/** The modules of the model that `modules_to_save` names: PEFT's lists hold names for several families. */
function savedIn({ modules_to_save: names }: Config, model: Module): string[] {
  if (!Array.isArray(names)) return [];
  const paths = [...model.namedModules()].map(([path]) => path);
  const saved = outermostOf(paths.filter((path) => path !== "" && names.some((name) => path.endsWith(name))));
  refuseUntrainable(model, saved);
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
  own: readonly string[],
  saved: ReadonlyMap<string, readonly number[]>,
): void {
  const known = new Set([...saved.keys(), ...own]);
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

function pathsOf(tensors: ReadonlyMap<string, Tensor>, suffix: string): string[] {
  return [...tensors.keys()]
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length));
}

/** Copies the tensors of a PEFT folder into adapters made from its plan; where that fails, they are taken off again. */
export function loadPeftWeights<B extends Bank, T extends NamedLinear>(
  folder: string,
  adapters: LayerAdapters<B>,
  format: PeftFormat<B, T>,
): void {
  try {
    const { tensors } = readAdapterFolder(folder);
    try {
      noGrad(() => copyTensors(folder, tensors, adapters, format));
    } finally {
      for (const tensor of tensors.values()) tensor.dispose();
    }
  } catch (error) {
    adapters.dispose();
    throw error;
  }
}

function copyTensors<B extends Bank, T extends NamedLinear>(
  folder: string,
  tensors: ReadonlyMap<string, Tensor>,
  adapters: LayerAdapters<B>,
  format: PeftFormat<B, T>,
): void {
  const stored = (name: string): Tensor => {
    const tensor = tensors.get(name);
    if (tensor) return tensor;
    throw new ScaloraError("model", "The adapter lacks a tensor", { where: `${folder}: ${name}` });
  };
  for (const path of adapters.adaptedPaths()) {
    const { bank, index } = adapters.find(path);
    format.parts(bank).forEach(({ stack, transposed }, part) => {
      const tensor = stored(path + format.suffixes[part]);
      using slot = select(stack.value, 0, index);
      using flipped = transposed ? transpose(tensor, 0, 1) : undefined;
      copy_(slot, flipped ?? tensor);
    });
  }
  for (const { name, value } of adapters.modulesToSave.trainables) copy_(value, stored(name));
}

/** The tensors of every layer as a folder stores them. */
export function* folderTensors<B extends Bank, T extends NamedLinear>(
  adapters: LayerAdapters<B>,
  format: PeftFormat<B, T>,
): Generator<readonly [string, TensorSource]> {
  for (const bank of adapters.banks)
    for (const [index, { path }] of bank.layers.entries())
      for (const [part, { stack, transposed }] of format.parts(bank).entries())
        yield [path + format.suffixes[part], stackSource(stack, index, transposed)];
}

/** One layer's matrix of a stack on its way into a folder, transposed where `turned`. */
export function stackSource({ value }: StackedParameter, index: number, transposed = false): TensorSource {
  const shape = value.shape.slice(1);
  const load = () => select(value, 0, index);
  if (!transposed) return { shape, dtype: value.dtype, load };
  return { shape: shape.toReversed(), dtype: value.dtype, load: () => turn(load()) };
}

function turn(matrix: Tensor): Tensor {
  using transposed = transpose(matrix, 0, 1);
  matrix.dispose();
  return contiguous(transposed);
}

/** The model that an adapter is for, and what of it is stored whole. */
export interface FullyTrainedModules {
  readonly model: Module;
  /** Names the weights that the adapter is put on (`baseFingerprint`). */
  readonly base: string | undefined;
  /** Paths of the modules. */
  readonly paths: readonly string[];
  /** Their parameters, by the model's own names. */
  readonly tensors: readonly (readonly [string, TensorSource])[];
}

/** What adapters train whole. */
export function fullyTrainedModulesOf({ model, modulesToSave, base }: LayerAdapters): FullyTrainedModules {
  return {
    model,
    base,
    paths: modulesToSave.paths,
    tensors: modulesToSave.trainables.map(({ name, value }) => [name, value]),
  };
}

/** Writes a PEFT folder: the tensors of its layers, what is stored whole, and the keys that every method has. */
export function writePeft(
  folder: string,
  tensors: Iterable<readonly [string, TensorSource]>,
  config: Readonly<Record<string, unknown>>,
  baseModel: string,
  { model, base, paths, tensors: whole }: FullyTrainedModules,
): void {
  const common = {
    task_type: isClassifier(model) ? "SEQ_CLS" : "CAUSAL_LM",
    base_model_name_or_path: baseModel,
    modules_to_save: paths.length > 0 ? paths : null,
    inference_mode: true,
  };
  writeAdapterFolder(folder, { ...config, ...common }, [...tensors, ...whole], base);
}

/** The most common value of layers with those that differ by path: a default and a pattern of PEFT. */
export function withPattern<T>(layers: readonly (readonly [path: string, value: T])[]): {
  common: T;
  pattern: Record<string, T>;
} {
  const [[, common]] = layers;
  return { common, pattern: Object.fromEntries(layers.filter(([, value]) => value !== common)) };
}
