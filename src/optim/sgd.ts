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

export interface SGDOptions {
  /** Share of the last step's direction that is kept; default 0. */
  momentum?: number;
  /** L2 penalty added to the gradient of the parameters marked `decay`; default 0. */
  weightDecay?: number;
}

interface Entry extends Slot {
  readonly expAvg: Tensor | undefined;
}

/** Stochastic gradient descent with momentum, equal to `torch.optim.SGD` (no dampening, not Nesterov). */
export class SGD implements Optimizer {
  private readonly entries: readonly Entry[];
  private readonly averages: ReadonlyMap<string, OptimizerMoments>;
  private readonly momentum: number;
  private readonly weightDecay: number;

  constructor(parameters: readonly OptimizedParameter[], { momentum = 0, weightDecay = 0 }: SGDOptions = {}) {
    checkRange("SGD: momentum", momentum, 0 <= momentum && momentum < 1, "a number in [0, 1)");
    const decayOk = weightDecay >= 0 && Number.isFinite(weightDecay);
    checkRange("SGD: weightDecay", weightDecay, decayOk, "a number ≥ 0");
    this.momentum = momentum;
    this.weightDecay = weightDecay;
    this.entries = makeSlots(parameters).map((slot) => ({
      ...slot,
      expAvg: momentum > 0 ? torch.zerosLike(slot.target).keep() : undefined,
    }));
    this.averages = new Map(
      this.entries.flatMap(({ parameter, expAvg }) => (expAvg ? [[parameter.name, { expAvg }]] : [])),
    );
  }

  step(lr: number): void {
    const decayed = this.entries.filter(({ parameter }) => parameter.decay);
    const others = this.entries.filter(({ parameter }) => !parameter.decay);
    for (const alike of byDType(decayed)) this.move(alike, lr, this.weightDecay);
    for (const alike of byDType(others)) this.move(alike, lr, 0);
  }

  moments(name: string): OptimizerMoments | undefined {
    return this.averages.get(name);
  }

  state(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const { parameter, expAvg, master } of this.entries) {
      if (expAvg) state.set(`momentum.${parameter.name}`, expAvg);
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

  /** A momentum buffer of zeros makes torch's first step: the buffer becomes the gradient. */
  private move(entries: readonly Entry[], lr: number, weightDecay: number): void {
    const buffers = entries.flatMap(({ expAvg }) => (expAvg ? [expAvg] : []));
    moveSlots(entries, (targets, grads) => {
      torch.fusedSgd_(targets, grads, buffers, weightDecay, this.momentum, lr, 0, false, false, false);
    });
  }
}
