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

export interface AdamWOptions {
  /** Decay rates of the first and second moment; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment; default 1e-8. */
  eps?: number;
  /** Decoupled decay of the parameters marked `decay`, times the learning rate; default 0. */
  weightDecay?: number;
}

interface AdamWState extends ParameterState {
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  /** Steps taken, a float32 scalar as torch keeps it. */
  readonly steps: Tensor;
}

/** AdamW (Loshchilov & Hutter, arXiv 1711.05101), equal to `torch.optim.AdamW(fused=True)`: one fused call per group. */
export class AdamW extends FusedOptimizer<AdamWState> {
  private readonly stateByName: ReadonlyMap<string, AdamWState>;
  private readonly betas: readonly [number, number];
  private readonly eps: number;

  constructor(parameters: readonly OptimizedParameter[], options: AdamWOptions = {}) {
    const { betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options;
    for (const beta of betas) checkRange("AdamW: betas", beta, { least: 0, below: 1 });
    checkRange("AdamW: eps", eps, { above: 0 });
    checkRange("AdamW: weightDecay", weightDecay, { least: 0 });
    super(parameters, withMoments, weightDecay);
    this.betas = betas;
    this.eps = eps;
    this.stateByName = new Map(this.entries.map((entry) => [entry.parameter.name, entry]));
  }

  /** The averages of a trainable by its name. */
  moments(name: string): OptimizerMoments | undefined {
    return this.stateByName.get(name);
  }

  protected stateTensors({ expAvg, expAvgSq, steps }: AdamWState): Record<string, Tensor> {
    return { exp_avg: expAvg, exp_avg_sq: expAvgSq, step: steps };
  }

  protected fusedUpdate({ entries, targets, grads, lr, weightDecay }: FusedUpdate<AdamWState>): void {
    const steps = entries.map((entry) => entry.steps);
    torch.foreachAddScalar_(steps, 1);
    torch.fusedAdamw_(
      targets,
      grads,
      entries.map((entry) => entry.expAvg),
      entries.map((entry) => entry.expAvgSq),
      [],
      steps,
      {
        lr,
        beta1: this.betas[0],
        beta2: this.betas[1],
        weightDecay,
        eps: this.eps,
        amsgrad: false,
        maximize: false,
      },
    );
  }
}

function withMoments(slot: ParameterState): AdamWState {
  return {
    ...slot,
    expAvg: torch.zerosLike(slot.target).keep(),
    expAvgSq: torch.zerosLike(slot.target).keep(),
    steps: torch.zeros([], { dtype: "float32", device: slot.target.device }).keep(),
  };
}
