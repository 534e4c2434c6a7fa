import { isClassifier, type Module } from "../../nn/index.ts";
import type { TensorSource } from "../../safetensors/index.ts";
import { contiguous, select, type Tensor, transpose } from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import type { Bank, NamedLinear, StackedParameter } from "../core/bank.ts";
import type { LayerAdapters } from "../core/layer-adapters.ts";
import { writeAdapterFolder } from "./adapter-folder.ts";
import type { PeftFormat } from "./peft-format.ts";

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

/** One layer's matrix of a stack on its way into a folder. */
export function stackSource({ value }: StackedParameter, index: number, transposed = false): TensorSource {
  const shape = value.shape.slice(1);
  const load = () => select(value, 0, index);
  if (!transposed) return { shape, dtype: value.dtype, load };
  return { shape: shape.toReversed(), dtype: value.dtype, load: () => transposedCopy(load()) };
}

function transposedCopy(matrix: Tensor): Tensor {
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

/** The modules that an adapter set trains whole. */
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
  const [, common] = elementAt(layers, 0);
  return { common, pattern: Object.fromEntries(layers.filter(([, value]) => value !== common)) };
}
