import type { Linear, LinearAdapter } from "../nn/index.ts";
import { add, clone, fastLinear, Tensor, zeros } from "../torch/index.ts";
import { required } from "../util/elements.ts";
import { internalError } from "../util/errors.ts";

/** A layer whose gradient is collected. */
interface CollectedLayer {
  readonly path: string;
  readonly linear: Linear;
  /** The installed adapter, restored by `take()`. */
  readonly adapter: LinearAdapter | undefined;
  /** The tensor that gets the gradient: the weight if it is trained, or else a probe. */
  readonly collector: Tensor;
}

/** The gradient of a layer's effective weight. */
export interface CollectedGradient {
  readonly whole: Tensor;
  /** What the first half of the micro-batches gave; defined after `endFirstHalf()`. */
  readonly firstHalf: Tensor | undefined;
}

/**
 * Collects the gradients of effective weights during one step. Meanwhile an adapted layer computes `y + x Zᵀ` with Z = 0, so
 * that Z gets the gradient of the weight; outputs and all other gradients stay the same, bit for bit, since only zeros are
 * added. Construct it and call `take()` within one scope.
 */
export class GradientCollector {
  private readonly layers: readonly CollectedLayer[];
  private firstHalves: Map<string, Tensor> | undefined;

  constructor(layers: readonly (readonly [path: string, linear: Linear])[]) {
    this.layers = layers.map(([path, linear]) => {
      const { adapter, weight } = linear;
      if (weight instanceof Tensor && weight.requiresGrad)
        return { path, linear, adapter, collector: weight };
      if (!adapter) throw internalError(`${path} is neither adapted nor trained`);
      const make = () => zeros(weight.shape, { dtype: weight.dtype, device: weight.device });
      const probe = make().setRequiresGrad(true).setGrad(make());
      linear.adapter = { forward: (x, base) => add(adapter.forward(x, base), fastLinear(x, probe)) };
      return { path, linear, adapter, collector: probe };
    });
  }

  /** The tensors that get the gradients. */
  get collectors(): readonly Tensor[] {
    return this.layers.map(({ collector }) => collector);
  }

  /** Keeps what has been collected so far, as the first of two halves. @param gradientOf what a collector has */
  endFirstHalf(gradientOf: (collector: Tensor) => Tensor | undefined): void {
    this.firstHalves = new Map(
      this.layers.map(({ path, collector }) => [path, clone(required(gradientOf(collector), path))]),
    );
  }

  /** Returns the gradients by path and restores the layers. */
  take(): Map<string, CollectedGradient> {
    return new Map(
      this.layers.map(({ path, linear, adapter, collector }) => {
        linear.adapter = adapter;
        const whole = gradientOf(path, collector);
        const firstHalf = this.firstHalves?.get(path);
        return [path, { whole, firstHalf }];
      }),
    );
  }
}

function gradientOf(path: string, { grad }: Tensor): Tensor {
  if (!grad) throw internalError(`the gradient of ${path} was not collected`);
  return grad;
}
