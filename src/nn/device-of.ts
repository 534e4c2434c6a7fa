import type { Tensor } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { Module } from "./module.ts";

/** The device of a module's parameters, such as `cpu` or `cuda:0`; `cpu` when it has none. @throws as `requireWeights` */
export function deviceOf(module: Module): string {
  for (const [, parameter] of module.namedParameters()) return requireWeights(parameter).device;
  return "cpu";
}

/** A parameter, through which a model is used. @throws ScaloraError `usage` where the model was disposed of */
export function requireWeights(parameter: Tensor): Tensor {
  if (!parameter.isDisposed) return parameter;
  throw new ScaloraError("usage", "This model was disposed of: its weights are freed", {
    fix: "use it before dispose(), which `using` calls at the end of its block, or load it again",
  });
}
