import type { FrozenDelta, Linear, LinearAdapter } from "../../nn/index.ts";
import {
  add,
  allOrNothing,
  type DType,
  detach,
  foreachZero_,
  matmul,
  noGrad,
  select,
  type Tensor,
  toDType,
  transpose,
  zeros,
} from "../../torch/index.ts";
import { elementAt, mapTuple, required, zip } from "../../util/elements.ts";
import { groupBy } from "../../util/group-by.ts";
import type { Trainable } from "./adapter-set.ts";

/** A layer of a bank, before its parameters exist. */
export interface NamedLinear {
  readonly path: string;
  readonly linear: Linear;
}

/** One parameter of L layers, stacked `[L, …]`, with its gradient. Each layer's own is a view, which autograd sees. */
export class StackedParameter {
  readonly value: Tensor;
  readonly grad: Tensor;
  readonly leaves: readonly Tensor[];

  /** Zeros of dtype float32, or float64 for float64 weights. @param shape of one layer's parameter */
  constructor(layers: readonly NamedLinear[], shape: readonly number[]) {
    const { weight } = elementAt(layers, 0).linear;
    const make = () =>
      zeros([layers.length, ...shape], { dtype: adapterDType(weight), device: weight.device }).keep();
    [this.value, this.grad] = [make(), make()];
    this.leaves = layers.map((_, index) => leaf(this.value, this.grad, index));
  }

  dispose(): void {
    for (const tensor of [...this.leaves, this.value, this.grad]) tensor.dispose();
  }
}

/** One layer's slice of a stack, as a parameter whose gradient is its slice of the stacked gradient. */
function leaf(stack: Tensor, gradient: Tensor, index: number): Tensor {
  return noGrad(() => {
    using slice = select(stack, 0, index);
    using grad = select(gradient, 0, index);
    return detach(slice).keep().setRequiresGrad(true).setGrad(grad);
  });
}

/** The dtype in which a method keeps what belongs to a weight. */
export const adapterDType = (weight: { readonly dtype: DType }): DType =>
  weight.dtype === "float64" ? "float64" : "float32";

/**
 * The parameters of L adapters of equal shape, one stack for each kind: an optimiser step, a scaling event or an all-reduce
 * is one operation for all layers.
 */
export abstract class Bank implements Disposable {
  readonly name: string;
  readonly layers: readonly NamedLinear[];
  /** The trained parameters, by name. */
  readonly stacks: Readonly<Record<string, StackedParameter>>;

  constructor(
    name: string,
    layers: readonly NamedLinear[],
    shapes: Readonly<Record<string, readonly number[]>>,
  ) {
    this.name = name;
    this.layers = layers;
    this.stacks = Object.fromEntries(
      Object.entries(shapes).map(([part, shape]) => [part, new StackedParameter(layers, shape)]),
    );
  }

  /** Factors of the learning rate, by name of the stack; 1 where absent. */
  readonly lrFactors: Record<string, number> = {};

  /** One layer's part of a trained parameter: what autograd sees, in the shape of one layer. */
  leaf(part: string, index: number): Tensor {
    return required(this.stacks[part]?.leaves[index], `${part} of layer ${index} of ${this.name}`);
  }

  /** The trained parameter of a name, for all layers. */
  stack(part: string): StackedParameter {
    return required(this.stacks[part], `${part} of ${this.name}`);
  }

  /** How a layer computes with its parameters. */
  abstract linearAdapter(index: number): LinearAdapter;

  /**
   * The effective weight of a layer.
   * @param base the weight that the adapter is put on, of the dtype to compute in
   */
  abstract effectiveWeight(index: number, base: Tensor): Tensor;

  /** Puts the adapters on their layers. */
  install(): void {
    this.layers.forEach(({ linear }, index) => {
      linear.adapter = this.linearAdapter(index);
    });
  }

  /** The stacks as the optimiser sees them, one trainable each; they decay, as PEFT's parameters do under transformers' Trainer. */
  trainables(): Trainable[] {
    const slices = this.layers.map(({ path }) => path);
    return Object.entries(this.stacks).map(([part, { value, grad }]) => ({
      name: `${this.name}.${part}`,
      value,
      grad,
      decay: true,
      slices,
      ...(part in this.lrFactors && { lrFactor: this.lrFactors[part] }),
    }));
  }

  /** Further tensors that a checkpoint must hold, by name. */
  buffers(): Map<string, Tensor> {
    return new Map();
  }

  /** Sets the gradients of all stacks to zero, in place. */
  zeroGrad(): void {
    foreachZero_(Object.values(this.stacks).map(({ grad }) => grad));
  }

  /** Takes the adapters off their layers and frees the parameters. */
  dispose(): void {
    for (const { linear } of this.layers) linear.adapter = undefined;
    for (const stack of Object.values(this.stacks)) stack.dispose();
    for (const tensor of this.buffers().values()) tensor.dispose();
  }

  /** `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The sizes that all layers of a bank of factors share. */
export interface BankShape {
  /** Out features of the adapted weights. */
  readonly m: number;
  /** In features. */
  readonly n: number;
  readonly rank: number;
  /** s of `W + s·A·Bᵀ`. */
  readonly scale: number;
}

/** The factors of L adapters of equal shape: A `[L, m, r]` and B `[L, n, r]`. */
export class LowRankBank extends Bank {
  readonly shape: BankShape;
  readonly A: Tensor;
  readonly B: Tensor;
  readonly gradA: Tensor;
  readonly gradB: Tensor;
  /** Each layer's own A `[m, r]` and B `[n, r]`: the parameters that autograd sees. */
  readonly leaves: readonly { readonly A: Tensor; readonly B: Tensor }[];
  /** The frozen low-rank term of a layer, if there is one. */
  frozenDelta: ((index: number) => FrozenDelta | undefined) | undefined;

  /** @param more shapes of what a method trains in addition to the factors */
  constructor(
    name: string,
    shape: BankShape,
    layers: readonly NamedLinear[],
    more: Readonly<Record<string, readonly number[]>> = {},
  ) {
    super(name, layers, { A: [shape.m, shape.rank], B: [shape.n, shape.rank], ...more });
    this.shape = shape;
    const [A, B] = [this.stack("A"), this.stack("B")];
    [this.A, this.B, this.gradA, this.gradB] = [A.value, B.value, A.grad, B.grad];
    this.leaves = zip(A.leaves, B.leaves).map(([leafOfA, leafOfB]) => ({ A: leafOfA, B: leafOfB }));
    this.frozenDelta = undefined;
  }

  linearAdapter(index: number): LinearAdapter {
    const { A, B } = elementAt(this.leaves, index);
    const { scale } = this.shape;
    return {
      forward: (x, base) => base.forwardLowRank(x, A, B, scale, undefined, this.frozenDelta?.(index)),
    };
  }

  effectiveWeight(index: number, base: Tensor): Tensor {
    return add(base, this.product(index, base.dtype), { alpha: this.shape.scale });
  }

  /**
   * The gradient that a layer's A and B get theirs from, as s·G·B and s·Gᵀ·A.
   * @param gradient G, of the effective weight `[m, n]`
   */
  gradientOfFactors(_index: number, gradient: Tensor): Tensor {
    return gradient;
  }

  /** A·Bᵀ of a layer, without s. */
  protected product(index: number, dtype: DType): Tensor {
    const [A, B] = mapTuple([this.A, this.B], (stack) => toDType(select(stack, 0, index), dtype));
    return matmul(A, transpose(B, 0, 1));
  }
}

/**
 * Makes one bank of the layers of equal weights that a method treats alike, in order of first appearance.
 * @param labelOf the part of a bank's name after the shape, such as `r8` of `bank0.64x32r8`
 * @param make the bank of some layers
 * @param apart what else must be equal within a bank
 */
export function groupIntoBanks<T extends NamedLinear, B>(
  layers: readonly T[],
  labelOf: (layer: T) => string,
  make: (name: string, layers: readonly [T, ...T[]]) => B,
  apart: (layer: T) => unknown = () => null,
): B[] {
  const fullLabel = (layer: T) => layer.linear.weight.shape.join("x") + labelOf(layer);
  const keyOf = (layer: T) => JSON.stringify([fullLabel(layer), layer.linear.weight.dtype, apart(layer)]);
  return allOrNothing(() =>
    groupBy(layers, keyOf).map((group, index) => make(`bank${index}.${fullLabel(group[0])}`, group)),
  );
}
