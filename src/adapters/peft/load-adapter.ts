import type { Linear, Module } from "../../nn/index.ts";
import { copy_, noGrad, select, type Tensor, transpose } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { Bank, NamedLinear } from "../core/bank.ts";
import { checkBase } from "../core/base-fingerprint.ts";
import type { LayerAdapters } from "../core/layer-adapters.ts";
import type { AdapterPlan } from "../core/low-rank-adapters.ts";
import { isWithin, outermostOf, refuseUntrainable } from "../core/modules-to-save.ts";
import { linearLayers } from "../core/targets.ts";
import { loraAlphas } from "./adapter-config.ts";
import { type AdapterFolder, readAdapterFolder } from "./adapter-folder.ts";
import { checkAdapterConfig } from "./check-adapter-config.ts";
import type { PeftLayer } from "./check-peft-layer.ts";
import type { PeftFormat } from "./peft-format.ts";

type Config = AdapterFolder["config"];

/**
 * Reads which layers a PEFT folder adapts and which modules it holds whole.
 * @throws ScaloraError `model` where the folder does not fit the model or is of another method
 */
export function readPlan<B extends Bank, T extends NamedLinear>(
  folder: string,
  model: Module,
  format: PeftFormat<B, T>,
): AdapterPlan<T> {
  using stored = readAdapterFolder(folder);
  const { config, tensors, baseFingerprint } = stored;
  checkAdapterConfig(folder, config, format.supported);
  const linears = new Map(linearLayers(model));
  const paths = pathsOf(tensors, elementAt(format.suffixes, 0));
  const alphaOf = loraAlphas(folder, config, paths);
  const targets = paths.map((path) => {
    const found = foundAt(folder, path, tensors, format.suffixes, linears);
    return format.target({ ...found, folder, path, config, alpha: () => alphaOf(path) });
  });
  checkBase(folder, baseFingerprint, targets, config["base_model_name_or_path"]);
  const modulesToSave = savedIn(folder, config, model);
  const own = targets.flatMap(({ path }) => format.suffixes.map((suffix) => path + suffix));
  checkTensors(folder, tensors, own, savedShapes(model, modulesToSave));
  return { targets, modulesToSave };
}

function foundAt(
  folder: string,
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  suffixes: readonly string[],
  linears: ReadonlyMap<string, Linear>,
): Pick<PeftLayer, "linear" | "tensors"> {
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
  return { linear, tensors: own };
}

/** The modules of the model that `modules_to_save` names: PEFT's lists hold names for several families. */
function savedIn(folder: string, config: Config, model: Module): string[] {
  const names = savedNames(folder, config);
  const paths = [...model.namedModules()].map(([path]) => path);
  const saved = outermostOf(paths.filter((path) => path !== "" && names.some((name) => path.endsWith(name))));
  refuseUntrainable(model, saved);
  return saved;
}

/** @throws ScaloraError `format` where `modules_to_save` is there and not a list of names */
function savedNames(folder: string, { modules_to_save: names }: Config): string[] {
  if (names === undefined || names === null) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw new ScaloraError("format", "The adapter's modules_to_save is not a list of names", {
    where: folder,
    expected: "a list of texts, or null",
    found: JSON.stringify(names),
  });
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
  disposeOnError([adapters], () => {
    using stored = readAdapterFolder(folder);
    noGrad(() => copyTensors(folder, stored.tensors, adapters, format));
  });
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
