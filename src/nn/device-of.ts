import type { Tensor } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { Module } from "./module.ts";

/** The device of a module's parameters, such as `cpu` or `cuda:0`; `cpu` when it has none. @throws as `requireWeights` */
export function deviceOf(module: Module): string {
  return firstParameter(module)?.device ?? "cpu";
}

/** @throws as `requireWeights` for the first of a model's parameters, which are freed together */
export function requireModel(model: Module): void {
  firstParameter(model);
}

function firstParameter(module: Module): Tensor | undefined {
  for (const [, parameter] of module.namedParameters()) return requireWeights(parameter, module);
  return undefined;
}

/** A parameter, through which a model is used. @throws ScaloraError `usage` where the model was disposed of */
export function requireWeights(parameter: Tensor, model: Module): Tensor {
  if (!parameter.isDisposed) return parameter;
  throw new ScaloraError("usage", "This model was disposed of: its weights are freed", {
    where: "path" in model && typeof model.path === "string" ? model.path : undefined,
    fix: "use it before dispose(), which `using` calls at the end of its block, or load it again",
  });
}
