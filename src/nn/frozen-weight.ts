import { type DType, fastLinear, loraLinear, Tensor } from "../torch/index.ts";
import type { FrozenDelta } from "./frozen-delta.ts";
import { Module } from "./module.ts";

/** A frozen weight that is not one tensor of its values: kept as codes, or shared out between ranks. */
export abstract class FrozenWeight extends Module {
  /** Shape `[out, in]` of the values. */
  readonly shape: readonly [number, number];
  /** Dtype of the products and of the values. */
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

  /** The values `[out, in]`, in a tensor of the present scope that the caller may neither change nor keep. */
  abstract dense(): Tensor;

  /** Rows of the weight. @param indices int64 `[T]`; the result is `[T, in]` */
  abstract rows(indices: Tensor): Tensor;
}

/** `x Wᵀ + b`, with gradients for what requires one. @param bias null leaves it out */
export function baseProduct(weight: Tensor | FrozenWeight, x: Tensor, bias: Tensor | null): Tensor {
  return weight instanceof Tensor ? fastLinear(x, weight, { bias }) : weight.forwardBase(x, bias);
}

/** `x (W + scale · A Bᵀ + P Qᵀ)ᵀ + b`, with gradients for x, A and B. */
export function lowRankProduct(
  weight: Tensor | FrozenWeight,
  ...[x, bias, A, B, scale, frozenDelta]: Parameters<FrozenWeight["forwardLowRank"]>
): Tensor {
  return weight instanceof Tensor
    ? loraLinear(x, weight, A, B, scale, { bias, P: frozenDelta?.P, Q: frozenDelta?.Q })
    : weight.forwardLowRank(x, bias, A, B, scale, frozenDelta);
}

/** Number of a model's parameters, each counted once. */
export const countWeights = (model: Module): number =>
  [...namedWeights(model)].reduce((sum, [, { numel }]) => sum + numel, 0);

/** Every parameter once, by its name in the model's files; a frozen weight is one parameter. */
export function* namedWeights(model: Module): Generator<[string, Tensor | FrozenWeight]> {
  const seen = new Set<unknown>();
  for (const [path, module] of model.namedModules()) {
    if (module instanceof FrozenWeight) {
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
