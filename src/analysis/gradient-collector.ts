import type { Linear, LinearAdapter } from "../nn/index.ts";
import { add, fastLinear, Tensor, zeros } from "../torch/index.ts";
import { internalError } from "../util/errors.ts";

/** A layer whose gradient is collected. */
interface Watched {
  readonly path: string;
  readonly linear: Linear;
  /** What hung on the layer, and hangs there again afterwards. */
  readonly adapter: LinearAdapter | undefined;
  /** What gets the gradient: the weight, where it is trained, or a probe in its place. */
  readonly collector: Tensor;
}

/**
 * Collects the gradients of effective weights over the passes of one step. An adapted layer computes `y + x Zᵀ` with Z = 0
 * meanwhile: y is what it was, bit for bit, and so is every gradient, since only zeros are added; Z gets the gradient of the
 * weight. To be started and taken within one scope.
 */
export class GradientCollector {
  private readonly watched: readonly Watched[];

  constructor(layers: readonly (readonly [path: string, linear: Linear])[]) {
    this.watched = layers.map(([path, linear]) => {
      const { adapter, weight } = linear;
      if (weight instanceof Tensor && weight.requiresGrad)
        return { path, linear, adapter, collector: weight };
      if (!adapter) throw internalError(`${path} is neither adapted nor trained`);
      const probe = zeros(weight.shape, { dtype: weight.dtype, device: weight.device }).setRequiresGrad(true);
      linear.adapter = { forward: (x, base) => add(adapter.forward(x, base), fastLinear(x, probe)) };
      return { path, linear, adapter, collector: probe };
    });
  }

  /** The gradients by path; the layers compute as before again. */
  take(): Map<string, Tensor> {
    return new Map(
      this.watched.map(({ path, linear, adapter, collector }) => {
        linear.adapter = adapter;
        const { grad } = collector;
        if (!grad) throw internalError(`the gradient of ${path} was not collected`);
        return [path, grad];
      }),
    );
  }
}
