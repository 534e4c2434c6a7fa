import type { Tensor } from "../torch/index.js";
import * as torch from "../torch/index.js";
import {
  byDType,
  checkRange,
  loadInto,
  makeSlots,
  moveSlots,
  type OptimizedParameter,
  type Optimizer,
  type OptimizerMoments,
  type Slot,
} from "./optimizer.js";

export interface AdamWOptions {
  /** Decay rates of the first and second moment; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment; default 1e-8. */
  eps?: number;
  /** Decoupled decay of the parameters marked `decay`, times the learning rate; default 0. */
  weightDecay?: number;
}

interface Entry extends Slot {
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  /** Steps taken, a float32 scalar as torch keeps it. */
  readonly steps: Tensor;
}

/** AdamW (Loshchilov & Hutter, arXiv 1711.05101), equal to `torch.optim.AdamW(fused=True)`: one fused call per group. */
export class AdamW implements Optimizer {
  private readonly entries: readonly Entry[];
  private readonly byName: ReadonlyMap<string, Entry>;
  private readonly groups: readonly { readonly entries: readonly Entry[]; readonly weightDecay: number }[];
  private readonly betas: readonly [number, number];
  private readonly eps: number;

  constructor(parameters: readonly OptimizedParameter[], options: AdamWOptions = {}) {
    const { betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options;
    for (const beta of betas) checkRange("AdamW: betas", beta, 0 <= beta && beta < 1, "numbers in [0, 1)");
    checkRange("AdamW: eps", eps, eps > 0 && Number.isFinite(eps), "a positive number");
    checkRange(
      "AdamW: weightDecay",
      weightDecay,
      weightDecay >= 0 && Number.isFinite(weightDecay),
      "a number ≥ 0",
    );
    this.betas = betas;
    this.eps = eps;
    this.entries = makeSlots(parameters).map((slot) => ({
      ...slot,
      expAvg: torch.zerosLike(slot.target).keep(),
      expAvgSq: torch.zerosLike(slot.target).keep(),
      steps: torch.zeros([], "float32", null, slot.target.device).keep(),
    }));
    this.byName = new Map(this.entries.map((entry) => [entry.parameter.name, entry]));
    this.groups = [
      { entries: this.entries.filter((entry) => entry.parameter.decay), weightDecay },
      { entries: this.entries.filter((entry) => !entry.parameter.decay), weightDecay: 0 },
    ];
  }

  step(lr: number): void {
    for (const { entries, weightDecay } of this.groups)
      for (const alike of byDType(entries)) this.move(alike, lr, weightDecay);
  }

  moments(name: string): OptimizerMoments | undefined {
    return this.byName.get(name);
  }

  state(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const { parameter, expAvg, expAvgSq, steps, master } of this.entries) {
      state.set(`exp_avg.${parameter.name}`, expAvg);
      state.set(`exp_avg_sq.${parameter.name}`, expAvgSq);
      state.set(`step.${parameter.name}`, steps);
      if (master) state.set(`master.${parameter.name}`, master);
    }
    return state;
  }

  loadState(read: (name: string) => Tensor): void {
    loadInto(this.state(), read);
  }

  dispose(): void {
    for (const tensor of this.state().values()) tensor.dispose();
  }

  private move(entries: readonly Entry[], lr: number, weightDecay: number): void {
    moveSlots(entries, (targets, grads) => {
      const steps = entries.map((entry) => entry.steps);
      torch.foreachAddScalar_(steps, 1);
      torch.fusedAdamw_(
        targets,
        grads,
        entries.map((entry) => entry.expAvg),
        entries.map((entry) => entry.expAvgSq),
        [],
        steps,
        lr,
        this.betas[0],
        this.betas[1],
        weightDecay,
        this.eps,
        false,
        false,
      );
    });
  }
}
