import type { Module } from "../nn/index.ts";
import { beginLabel, endLabel } from "../torch/index.ts";

/**
 * Labels the forward passes of a model's modules with their paths, such as `model.layers.3.self_attn.q_proj`, in the recording
 * that goes on meanwhile.
 * @returns a function that removes the labels
 */
export function labelModules(model: Module): () => void {
  const labelled: Module[] = [];
  for (const [path, module] of model.namedModules()) {
    const forward: unknown = Reflect.get(module, "forward");
    if (typeof forward !== "function") continue;
    const value = (...inputs: unknown[]): unknown => {
      beginLabel("module", path);
      try {
        return Reflect.apply(forward, module, inputs);
      } finally {
        endLabel();
      }
    };
    Object.defineProperty(module, "forward", { value, configurable: true });
    labelled.push(module);
  }
  return () => {
    for (const module of labelled) Reflect.deleteProperty(module, "forward");
  };
}
