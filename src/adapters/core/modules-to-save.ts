import { FrozenWeight, isClassifier, type Module, namedWeights, QuantisedWeight } from "../../nn/index.ts";
import * as torch from "../../torch/index.ts";
import { Tensor } from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import { MatchTime } from "../../util/timed-regexp.ts";
import type { Trainable } from "./adapter-set.ts";
import { requiredMatches } from "./path-matcher.ts";

/** A parameter of a saved module: its owner, the original that comes back, and the copy in its place. */
interface Slot {
  readonly module: Module;
  readonly key: string;
  readonly original: Tensor;
}

/**
 * Modules that are trained in full as well as an adapter and saved with it (PEFT's `modules_to_save`). Their parameters are
 * copies while the adapter is installed; removing it restores the originals.
 */
export class ModulesToSave implements Disposable {
  /** Paths of the modules; none is inside another. */
  readonly paths: readonly string[];
  readonly trainables: readonly Trainable[];
  private readonly slots: readonly Slot[];

  constructor(model: Module, paths: readonly string[]) {
    this.paths = paths;
    const found = parametersOf(model, paths);
    this.slots = found.map(({ slot }) => slot);
    this.trainables = torch.allOrNothing(() => found.map(trainableCopy));
    this.slots.forEach(({ module, key }, index) => {
      Reflect.set(module, key, elementAt(this.trainables, index).value);
    });
  }

  /** Puts the originals back and frees the copies. */
  dispose(): void {
    for (const { module, key, original } of this.slots) Reflect.set(module, key, original);
    for (const { value, grad } of this.trainables) {
      value.dispose();
      grad.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * The modules that patterns name; by default a classifier's head.
 * @throws ScaloraError `config` for a pattern that no module matches, and for parameters that other modules share
 */
export function resolveModulesToSave(model: Module, patterns: readonly string[] | undefined): string[] {
  if (patterns === undefined) return isClassifier(model) ? [...model.info.headModules] : [];
  const paths = [...model.namedModules()].map(([path]) => path).filter((path) => path !== "");
  const where = "adapter.modulesToSave";
  const time = new MatchTime();
  const found = patterns.map((pattern) => requiredMatches(pattern, { where, paths, kind: "module", time }));
  const outermost = outermostOf(paths.filter((path) => found.some((matches) => matches.has(path))));
  refuseUntrainable(model, outermost);
  return outermost;
}

/** Whether a path is one of the modules or inside one. */
export const isWithin = (path: string, modules: readonly string[]) =>
  modules.some((module) => path === module || path.startsWith(`${module}.`));

export function outermostOf(paths: readonly string[]): string[] {
  return paths.filter(
    (path) =>
      !isWithin(
        path,
        paths.filter((other) => other !== path),
      ),
  );
}

/** A copy of a parameter, to be trained in its place. */
function trainableCopy({ name, slot: { original } }: NamedSlot): Trainable {
  const value = torch.noGrad(() => torch.clone(original)).keep();
  const grad = torch.zerosLike(value).keep();
  value.setRequiresGrad(true).setGrad(grad);
  return { name, value, grad, decay: value.ndim > 1 };
}

interface NamedSlot {
  readonly name: string;
  readonly slot: Slot;
}

/** Names, owners and values of the parameters of some modules. */
function parametersOf(model: Module, paths: readonly string[]): NamedSlot[] {
  return [...model.namedModules()]
    .filter(([path]) => isWithin(path, paths))
    .flatMap(([path, module]) =>
      Object.entries(module).flatMap(([key, original]) =>
        original instanceof Tensor ? [{ name: `${path}.${key}`, slot: { module, key, original } }] : [],
      ),
    );
}

/** Codes and slices cannot be trained, and a copy would untie what the model ties. */
export function refuseUntrainable(model: Module, paths: readonly string[]): void {
  refuseFrozen(model, paths);
  const inside = new Set(parametersOf(model, paths).map(({ slot }) => slot.original));
  for (const [path, module] of model.namedModules()) {
    const shared = Object.values(module).some((value) => value instanceof Tensor && inside.has(value));
    if (!shared || isWithin(path, paths)) continue;
    throw new ScaloraError(
      "config",
      "A part that shares a weight with another cannot be trained beside an adapter",
      {
        where: "adapter.modulesToSave",
        found: `${paths.join(", ")}, and ${path} has one of its weights`,
      },
    );
  }
}

function refuseFrozen(model: Module, paths: readonly string[]): void {
  for (const [path, weight] of namedWeights(model)) {
    if (!(weight instanceof FrozenWeight) || !isWithin(path, paths)) continue;
    const isQuantised = weight instanceof QuantisedWeight;
    throw new ScaloraError(
      "config",
      `A part that is ${isQuantised ? "in 4 bits" : "shared out"} cannot be trained whole`,
      {
        where: "adapter.modulesToSave",
        found: `${paths.join(", ")}, of which ${path} is ${isQuantised ? "quantised" : "shared out between processes"}`,
        fix: `leave it to the adapter, or ${isQuantised ? "use model.quantization: none" : "leave train.shardBase out"}`,
      },
    );
  }
}
