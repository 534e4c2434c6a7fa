import { Tensor } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { FrozenDelta } from "./frozen-delta.ts";
import { baseProduct, type FrozenWeight, lowRankProduct } from "./frozen-weight.ts";
import { Module } from "./module.ts";
import type { ParameterSource } from "./parameter-source.ts";
import { ShardedTensor } from "./sharded-tensor.ts";

/** The adapter that a method installs on a linear layer; it replaces the layer's forward pass. */
export interface LinearAdapter {
  /**
   * Computes the layer with the adapter.
   * @param x `[rows, in]`; the result is `[rows, out]`
   * @param base the layer, whose own weight and bias the adapter uses
   */
  forward(x: Tensor, base: Linear): Tensor;
}

/** A linear layer `y = x Wᵀ + b`, or the forward pass of the adapter installed on it. */
export class Linear extends Module {
  /** `[out, in]` */
  weight: Tensor | FrozenWeight;
  /** `[out]` */
  bias: Tensor | undefined;
  adapter: LinearAdapter | undefined;

  constructor(weight: Tensor | FrozenWeight, bias?: Tensor) {
    super();
    this.weight = weight;
    this.bias = bias;
    this.adapter = undefined;
  }

  /** A layer with the parameters `weight` and, when `withBias`, `bias` of `source`. */
  static fromSource(
    source: ParameterSource,
    inFeatures: number,
    outFeatures: number,
    withBias: boolean,
  ): Linear {
    const shape = [outFeatures, inFeatures];
    const weight = source.takeFrozen("weight", shape) ?? source.take("weight", shape, "weight");
    return new Linear(weight, withBias ? source.take("bias", [outFeatures], "bias") : undefined);
  }

  /** @param x `[rows, in]`; the result is `[rows, out]` */
  forward(x: Tensor): Tensor {
    return this.adapter === undefined ? this.forwardBase(x) : this.adapter.forward(x, this);
  }

  /**
   * The layer's own `x Wᵀ + b`, without its adapter.
   * @param x `[rows, in]`; the result is `[rows, out]`
   * @param bias null leaves it out
   */
  forwardBase(x: Tensor, bias = this.bias ?? null): Tensor {
    return baseProduct(this.weight, x, bias);
  }

  /**
   * `x (W + scale · A Bᵀ + P Qᵀ)ᵀ + b`, with gradients for x, A and B.
   * @param x `[rows, in]`; the result is `[rows, out]`
   * @param A `[out, r]`, @param B `[in, r]`
   * @param bias null leaves it out
   * @param frozenDelta P and Q, where there are any
   */
  forwardLowRank(
    x: Tensor,
    A: Tensor,
    B: Tensor,
    scale: number,
    bias = this.bias ?? null,
    frozenDelta?: FrozenDelta,
  ): Tensor {
    return lowRankProduct(this.weight, x, bias, A, B, scale, frozenDelta);
  }

  /**
   * W `[out, in]` in the dtype of the products: the layer's own tensor, or its values in a tensor of the present scope. The caller
   * may neither change nor free it.
   */
  denseWeight(): Tensor {
    const { weight } = this;
    return weight instanceof Tensor ? weight : weight.dense();
  }

  /**
   * The weight tensor itself, to be trained.
   * @throws ScaloraError `config` for a weight that is quantised, or shared out between ranks
   */
  plainWeight(): Tensor {
    const { weight } = this;
    if (weight instanceof Tensor) return weight;
    throw weight instanceof ShardedTensor
      ? new ScaloraError("config", "A weight that is shared out between processes cannot be trained whole", {
          where: "train.shardBase",
          fix: "leave train.shardBase out, or use another method (docs/distributed.md)",
        })
      : new ScaloraError("config", "A quantised weight cannot be trained or merged into", {
          where: "model.quantization",
          found: "codes, which cannot store small updates",
          fix: "use model.quantization: none, or adapter.method: qlora",
        });
  }

  /** What this process keeps of the weight, to be changed: all of it, or its rows of one that is shared out. As `plainWeight`. */
  ownWeight(): Tensor {
    return this.weight instanceof ShardedTensor ? this.weight.slice : this.plainWeight();
  }

  /** Puts equal values in the place of `ownWeight`, which is freed. */
  moveOwnWeight(to: Tensor): void {
    const own = this.ownWeight();
    if (this.weight instanceof ShardedTensor) this.weight.slice = to;
    else this.weight = to;
    own.dispose();
  }
}
