import type { Bank, NamedLinear, StackedParameter } from "../core/bank.ts";
import type { SupportedSettings } from "./check-adapter-config.ts";
import type { PeftLayer } from "./check-peft-layer.ts";

/** How PEFT stores the adapters of a method. */
export interface PeftFormat<B extends Bank, T extends NamedLinear> {
  /** The accepted values of those keys of adapter_config.json that change the computation. */
  readonly supported: SupportedSettings;
  /** Ends of the names of a layer's tensors, behind its path. */
  readonly suffixes: readonly string[];
  /** The target that makes room for what was found. @throws ScaloraError `model` where it does not fit the layer */
  target(found: PeftLayer): T;
  /** Where a bank keeps the tensors, in the order of the suffixes; those of a transposed one are stored transposed. */
  parts(bank: B): readonly { readonly stack: StackedParameter; readonly transposed: boolean }[];
}
