import { FrozenWeight, namedWeights } from "./frozen-weight.ts";
import type { Module } from "./module.ts";

/** A frozen weight that is kept as codes with scales; its tensors are neither trained nor changed. */
export abstract class QuantisedWeight extends FrozenWeight {
  abstract readonly format: "nf4" | "q8_0";
}

/** The quantised weights of a model, with their names. */
export function quantisedWeights(model: Module): [string, QuantisedWeight][] {
  return [...namedWeights(model)].filter(
    (named): named is [string, QuantisedWeight] => named[1] instanceof QuantisedWeight,
  );
}
