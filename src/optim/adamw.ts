import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { zip } from "../util/elements.ts";
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

/** What one call of the fused kernel updates. */
interface Part {
  readonly target: Tensor;
  readonly grad: Tensor;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  readonly steps: Tensor;
}

/** A parameter with its averages. */
class AdamWState implements ParameterState, OptimizerMoments {
  readonly parameter: OptimizedParameter;
  readonly target: Tensor;
  readonly master: Tensor | undefined;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  /** Steps taken: a float32 scalar as torch keeps it, or one for each slice once some have started anew. */
  steps: Tensor;

  constructor({ parameter, target, master }: ParameterState) {
    this.parameter = parameter;
    this.target = target;
    this.master = master;
    this.expAvg = torch.zerosLike(target).keep();
    this.expAvgSq = torch.zerosLike(target).keep();
    this.steps = this.zeroSteps([]);
  }

  stepsBySlice(): Tensor {
    if (this.steps.ndim > 0) return this.steps;
    using common = this.steps;
    this.steps = this.zeroSteps([this.target.size(0)]);
    torch.noGrad(() => torch.copy_(this.steps, common));
    return this.steps;
  }

  /** Counts steps as a stored state does: for all slices together, or for each. */
  countLike(stored: Tensor): void {
    const isBySlice = stored.ndim === 1 && stored.numel === this.target.shape[0];
    if (stored.ndim === this.steps.ndim || !(isBySlice || stored.ndim === 0)) return;
    this.steps.dispose();
    this.steps = this.zeroSteps(stored.shape);
  }

  /** Slices with counts of their own are updated one by one; else the whole stack is. */
  parts(grad: Tensor): Part[] {
    const whole = { target: this.target, grad, expAvg: this.expAvg, expAvgSq: this.expAvgSq };
    if (this.steps.ndim === 0) return [{ ...whole, steps: this.steps }];
    return Array.from({ length: this.target.size(0) }, (_, index) => {
      const slice = (stack: Tensor) => torch.select(stack, 0, index);
      const { target, expAvg, expAvgSq } = whole;
      return {
        target: slice(target),
        grad: slice(grad),
        expAvg: slice(expAvg),
        expAvgSq: slice(expAvgSq),
        steps: slice(this.steps),
      };
    });
  }

  private zeroSteps(shape: readonly number[]): Tensor {
    return torch.zeros([...shape], { dtype: "float32", device: this.target.device }).keep();
  }
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
    super(parameters, (state) => new AdamWState(state), weightDecay);
    this.betas = betas;
    this.eps = eps;
    this.stateByName = new Map(this.entries.map((entry) => [entry.parameter.name, entry]));
  }

  /** The averages of a trainable by its name. */
  moments(name: string): OptimizerMoments | undefined {
    return this.stateByName.get(name);
  }

  /** Restores a state, with one count of steps for a stack or one for each of its slices, as it was saved. */
  override loadState(read: (name: string) => Tensor): void {
    for (const entry of this.entries) entry.countLike(read(`step.${entry.parameter.name}`));
    super.loadState(read);
  }

  protected stateTensors({ expAvg, expAvgSq, steps }: AdamWState): Record<string, Tensor> {
    return { exp_avg: expAvg, exp_avg_sq: expAvgSq, step: steps };
  }

  protected fusedUpdate({ entries, grads, lr, weightDecay }: FusedUpdate<AdamWState>): void {
    const parts = zip(entries, grads).flatMap(([entry, grad]) => entry.parts(grad));
    const steps = parts.map((part) => part.steps);
    torch.foreachAddScalar_(steps, 1);
    torch.fusedAdamw_(
      parts.map(({ target }) => target),
      parts.map(({ grad }) => grad),
      parts.map(({ expAvg }) => expAvg),
      parts.map(({ expAvgSq }) => expAvgSq),
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
