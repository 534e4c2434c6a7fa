import { allFinite } from "../nn/finite.ts";
import type { Module } from "../nn/module.ts";
import { Tensor } from "../torch/index.ts";

/**
 * Where a computation stops being finite: "the output of model.layers.3.mlp.down_proj", or the input of a module where
 * the operators before it make it so.
 * @param compute a forward pass of the model
 * @returns undefined when inputs and outputs of all its modules are finite
 */
export function firstNonFinite(model: Module, compute: () => void): string | undefined {
  let place: string | undefined;
  const note = (what: string, path: string, values: unknown) => {
    if (place === undefined && !tensorsIn(values).every(allFinite))
      place = `the ${what} of ${path === "" ? "the model" : path}`;
  };
  const restore = [...model.namedModules()].map(([path, module]) =>
    wrapForward(module, (args, forward) => {
      note("input", path, args);
      const result = forward();
      note("output", path, result);
      return result;
    }),
  );
  try {
    compute();
  } finally {
    for (const undo of restore) undo();
  }
  return place;
}

/** Puts `around` in the place of a module's `forward`. @returns what takes it away again */
function wrapForward(
  module: Module,
  around: (args: readonly unknown[], forward: () => unknown) => unknown,
): () => void {
  const own = Object.getOwnPropertyDescriptor(module, "forward");
  const forward: unknown = Reflect.get(module, "forward");
  if (typeof forward !== "function") return () => {};
  const wrapped = (...args: unknown[]) => around(args, () => Reflect.apply(forward, module, args));
  Object.defineProperty(module, "forward", { value: wrapped, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(module, "forward");
    else Object.defineProperty(module, "forward", own);
  };
}

const tensorsIn = (value: unknown): Tensor[] =>
  value instanceof Tensor ? [value] : Array.isArray(value) ? value.flatMap(tensorsIn) : [];
