import type { Module } from "../../nn/index.ts";
import type { BaseOptions } from "../options/fields.ts";
import type { AdapterSet } from "./adapter-set.ts";
import type { AttachContext } from "./method.ts";

type Attach<Options> = (model: Module, options: Options, context: AttachContext) => AdapterSet;

/** `countParameters` of a method: those of an adapter set that can do without the model's weights. */
export const countsOf =
  <Options>(attach: Attach<Options>) =>
  (outline: Module, options: Options, context: AttachContext) => {
    using adapters = attach(outline, options, context);
    return adapters.parameterCounts();
  };

/** Of a method that merges into its base: over a factored base, which leaves the weights where they are, it trains as many. */
export const countsOverFactoredBase = <Options extends BaseOptions>(attach: Attach<Options>) =>
  countsOf<Options>((outline, options, context) =>
    attach(outline, { ...options, base: "factored" }, context),
  );
