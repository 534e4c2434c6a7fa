import { type DType, Tensor } from "../torch/index.ts";
import type { FrozenDelta } from "./frozen-delta.ts";
import { Module } from "./module.ts";

/** A frozen weight that is kept as codes with scales; its tensors are neither trained nor changed. */
export abstract class QuantisedWeight extends Module {
  abstract readonly format: "nf4" | "q8_0";
  /** Shape `[out, in]` of the dequantised weight. */
  readonly shape: readonly [number, number];
  /** Dtype of the products and of the dequantised values. */
  readonly dtype: DType;

  constructor(shape: readonly [number, number], dtype: DType) {
    super();
    this.shape = shape;
    this.dtype = dtype;
  }

  abstract get device(): string;

  /** Number of weight values. */
  get numel(): number {
    const [m, n] = this.shape;
    return m * n;
  }

  /** `x Wᵀ + b`. @param x `[rows, in]` */
  abstract forwardBase(x: Tensor, bias: Tensor | null): Tensor;

  /** `x (W + scale · A Bᵀ + P Qᵀ)ᵀ + b`. @param A `[out, r]`, @param B `[in, r]` */
  abstract forwardLowRank(
    x: Tensor,
    bias: Tensor | null,
    A: Tensor,
    B: Tensor,
    scale: number,
    frozenDelta?: FrozenDelta,
  ): Tensor;

  /** The dequantised values, a new tensor `[out, in]`. */
  abstract dequantise(): Tensor;

  /** Rows of the dequantised weight. @param indices int64 `[T]`; the result is `[T, in]` */
  abstract rows(indices: Tensor): Tensor;
}

/** Every parameter once, by its name in the model's files; a quantised weight is one parameter. */
export function* namedWeights(model: Module): Generator<[string, Tensor | QuantisedWeight]> {
  const seen = new Set<unknown>();
  for (const [path, module] of model.namedModules()) {
    if (module instanceof QuantisedWeight) {
      if (!seen.has(module)) yield [path, module];
      seen.add(module);
      continue;
    }
    for (const [name, value] of Object.entries(module)) {
      if (!(value instanceof Tensor) || seen.has(value)) continue;
      seen.add(value);
      yield [path === "" ? name : `${path}.${name}`, value];
    }
  }
}

/** The quantised weights of a model, with their names. */
export function quantisedWeights(model: Module): [string, QuantisedWeight][] {
  return [...namedWeights(model)].filter(
    (named): named is [string, QuantisedWeight] => named[1] instanceof QuantisedWeight,
  );
}
