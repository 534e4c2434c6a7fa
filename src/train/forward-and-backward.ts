import type { AdapterSet } from "../adapters/core/adapter-set.ts";
import { backward, RecomputedPass } from "../nn/recompute.ts";
import type { Generator, Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { StepProfiler } from "./step-profiler.ts";

/** What forward and backward passes of a step need of its parts. */
export interface PassParts {
  readonly adapters: AdapterSet;
  readonly recompute?: boolean;
  readonly profiler?: Pick<StepProfiler, "beginPhase">;
}

/** What a pass computes. */
export interface PassLoss {
  /** A scalar: summed over the labels of a micro-batch. */
  sum(recompute: RecomputedPass | undefined): Tensor;
  /** That divided by the labels of the step. */
  mean(sum: Tensor): Tensor;
  /** For the model's own dropout. */
  readonly dropout?: Generator | undefined;
}

/** Adds the gradients of a micro-batch. @returns its summed loss, detached */
export function forwardAndBackward(
  { adapters, recompute, profiler }: PassParts,
  { sum, mean, dropout }: PassLoss,
): Tensor {
  using recomputed = recompute ? new RecomputedPass(dropout) : undefined;
  profiler?.beginPhase("forward");
  const loss = sum(recomputed);
  if (!loss.requiresGrad)
    throw new ScaloraError("run", `Method ${adapters.method}: the loss depends on none of its trainables`, {
      expected: "layers that compute with parameters that require a gradient",
      found: "a loss without a gradient",
      fix: "compute each layer's forward pass with the tensors that autograd tracks (`leaf` of the bank)",
    });
  profiler?.beginPhase("backward");
  backward(mean(loss), recomputed);
  return torch.detach(loss);
}
