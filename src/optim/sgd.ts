import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { checkRange } from "./check-range.ts";
import {
  FusedOptimizer,
  type FusedUpdate,
  type OptimizedParameter,
  type OptimizerMoments,
  type ParameterState,
} from "./optimizer.ts";

export interface SGDOptions {
  /** Momentum factor, in [0, 1); default 0. */
  momentum?: number;
  /** L2 penalty added to the gradient of the parameters marked `decay`; default 0. */
  weightDecay?: number;
}

interface SGDState extends ParameterState {
  readonly expAvg: Tensor | undefined;
}

/** Stochastic gradient descent with momentum, equal to `torch.optim.SGD` (no dampening, not Nesterov). */
export class SGD extends FusedOptimizer<SGDState> {
  private readonly momentsByName: ReadonlyMap<string, OptimizerMoments>;
  private readonly momentum: number;

  constructor(parameters: readonly OptimizedParameter[], { momentum = 0, weightDecay = 0 }: SGDOptions = {}) {
    checkRange("SGD: momentum", momentum, { least: 0, below: 1 });
    checkRange("SGD: weightDecay", weightDecay, { least: 0 });
    const withMomentum = (slot: ParameterState): SGDState => ({
      ...slot,
      expAvg: momentum > 0 ? torch.zerosLike(slot.target).keep() : undefined,
    });
    super(parameters, withMomentum, weightDecay);
    this.momentum = momentum;
    this.momentsByName = new Map(
      this.entries.flatMap(({ parameter, expAvg }) => (expAvg ? [[parameter.name, { expAvg }]] : [])),
    );
  }

  /** The momentum of a trainable by its name. */
  moments(name: string): OptimizerMoments | undefined {
    return this.momentsByName.get(name);
  }

  protected stateTensors({ expAvg }: SGDState): Record<string, Tensor | undefined> {
    return { momentum: expAvg };
  }

  /** A momentum buffer of zeros makes torch's first step: the buffer becomes the gradient. */
  protected fusedUpdate({ entries, targets, grads, lr, weightDecay }: FusedUpdate<SGDState>): void {
    const buffers = entries.flatMap(({ expAvg }) => (expAvg ? [expAvg] : []));
    torch.fusedSgd_(targets, grads, buffers, {
      weightDecay,
      momentum: this.momentum,
      lr,
      dampening: 0,
      nesterov: false,
      maximize: false,
      isFirstStep: false,
    });
  }
}
