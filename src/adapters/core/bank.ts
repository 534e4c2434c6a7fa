import type { Linear, LinearAdapter } from "../../nn/index.js";
import {
  type DType,
  detach,
  foreachZero_,
  loraLinear,
  noGrad,
  select,
  type Tensor,
  zeros,
} from "../../torch/index.js";
import type { Trainable } from "./contract.js";

/** A layer of a bank, before its factors exist. */
export interface BankLayer {
  readonly path: string;
  readonly linear: Linear;
}

/** What the layers of one bank have in common. */
export interface BankShape {
  /** Out features of the adapted weights. */
  readonly m: number;
  /** In features. */
  readonly n: number;
  readonly rank: number;
  /** s of `W + s·A·Bᵀ`. */
  readonly scale: number;
}

/**
 * The factors of L adapters of equal shape, stacked: A `[L, m, r]` and B `[L, n, r]` with their gradients. Each layer's
 * own factors are views, so that autograd writes into the stack, and an optimiser step, a scaling event or an all-reduce
 * is one operation for all layers.
 */
export class FactorBank {
  readonly name: string;
  readonly shape: BankShape;
  readonly layers: readonly BankLayer[];
  readonly A: Tensor;
  readonly B: Tensor;
  readonly gradA: Tensor;
  readonly gradB: Tensor;
  /** Each layer's own A `[m, r]` and B `[n, r]`: the parameters that autograd sees. */
  readonly leaves: readonly { readonly A: Tensor; readonly B: Tensor }[];

  /** Makes zero factors of dtype float32 (float64 for a float64 weight) and hangs them on the layers. */
  constructor(name: string, shape: BankShape, layers: readonly BankLayer[]) {
    this.name = name;
    this.shape = shape;
    this.layers = layers;
    const { weight } = layers[0].linear;
    const dtype: DType = weight.dtype === "float64" ? "float64" : "float32";
    const stack = (rows: number) =>
      zeros([layers.length, rows, shape.rank], dtype, null, weight.device).keep();
    [this.A, this.B, this.gradA, this.gradB] = [shape.m, shape.n, shape.m, shape.n].map(stack);
    this.leaves = layers.map((_, index) => ({
      A: leaf(this.A, this.gradA, index),
      B: leaf(this.B, this.gradB, index),
    }));
    layers.forEach(({ linear }, index) => {
      linear.adapter = this.adapterOf(index);
    });
  }

  /** How a layer computes with its factors. */
  adapterOf(index: number): LinearAdapter {
    const { A, B } = this.leaves[index];
    const { scale } = this.shape;
    return { forward: (x, base) => loraLinear(x, base.weight, base.bias ?? null, A, B, scale) };
  }

  trainables(): Trainable[] {
    const slices = this.layers.map(({ path }) => path);
    const rows = { m: this.shape.m, n: this.shape.n };
    const common = { decay: false, slices, rows };
    return [
      { name: `${this.name}.A`, value: this.A, grad: this.gradA, ...common },
      { name: `${this.name}.B`, value: this.B, grad: this.gradB, ...common },
    ];
  }

  zeroGrad(): void {
    foreachZero_([this.gradA, this.gradB]);
  }

  /** Takes the adapters off their layers and frees the factors. */
  dispose(): void {
    for (const { linear } of this.layers) linear.adapter = undefined;
    for (const { A, B } of [...this.leaves, this, { A: this.gradA, B: this.gradB }]) {
      A.dispose();
      B.dispose();
    }
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

/** Groups layers of equal shape, rank and scale, in order of first appearance. */
export function groupLayers(
  layers: readonly (BankLayer & { readonly rank: number; readonly scale: number })[],
): { shape: BankShape; layers: BankLayer[] }[] {
  const groups = new Map<string, { shape: BankShape; layers: BankLayer[] }>();
  for (const { path, linear, rank, scale } of layers) {
    const [m, n] = linear.weight.shape;
    const key = JSON.stringify([m, n, rank, scale, linear.weight.dtype]);
    const group = groups.get(key) ?? { shape: { m, n, rank, scale }, layers: [] };
    groups.set(key, group);
    group.layers.push({ path, linear });
  }
  return [...groups.values()];
}
