import type { Module } from "../../nn/index.js";
import type { Tensor } from "../../torch/index.js";
import type { FactorBank } from "./bank.js";
import { type BaseStorage, type BaseStore, storeFor } from "./base-store.js";
import type { StepContext } from "./contract.js";
import { type BankOf, FactorAdapters, type LowRankPlan, makeBanks } from "./factor-adapters.js";
import { noAdapter } from "./layer-adapters.js";
import { untieWeight } from "./untie.js";

/** Options of the methods that merge into the base as they train. */
export interface BaseOptions {
  /** How adapted weights are stored. Default: exact, or split for bfloat16 weights. */
  readonly base?: BaseStorage;
  /** What to do with an adapted weight that another module shares. Default "refuse". */
  readonly tied?: "refuse" | "untie";
}

/** Factors whose base absorbs them, at once or in part, as training goes on: the adapted weights lie in stores of their own. */
export abstract class MergingAdapters<B extends FactorBank = FactorBank> extends FactorAdapters<B> {
  protected readonly bases: readonly BaseStore[];

  constructor(method: string, model: Module, plan: LowRankPlan, Kind: BankOf<B>, options: BaseOptions) {
    prepareBases(model, plan, options);
    super(method, model, makeBanks(plan, Kind), plan.saved);
    this.bases = this.banks.map(({ layers }) => storeFor(layers[0].linear.ownWeight(), options.base)(layers));
  }

  saveAdapter(): void {
    throw noAdapter(
      `${this.method} merges into the base as it trains, so its adapter alone is not what was learnt`,
    );
  }

  protected override baseWeight(bank: B, index: number): Tensor {
    return this.bases[this.banks.indexOf(bank)].weight(index);
  }

  override state(): Map<string, Tensor> {
    const state = super.state();
    this.banks.forEach(({ name }, index) => {
      for (const [part, tensor] of this.bases[index].state()) state.set(`${name}.${part}`, tensor);
    });
    return state;
  }

  override dispose(): void {
    super.dispose();
    for (const base of this.bases) base.dispose();
  }
}

/** Every refusal comes before the first factor is made. */
function prepareBases(model: Module, { targets }: LowRankPlan, { base, tied = "refuse" }: BaseOptions): void {
  for (const { linear } of targets) storeFor(linear.ownWeight(), base);
  for (const { path, linear } of targets) untieWeight(model, path, linear, tied);
}

/** Whether a step is the first of a new stretch of `interval` steps: interval + 1, 2 · interval + 1, … */
export const beginsStretch = ({ step }: StepContext, interval: number) =>
  step > 1 && (step - 1) % interval === 0;

/** Seeds of what is drawn anew lie this far apart, so that runs of neighbouring seeds share none. */
const seedStride = 1_000_003;

/** The seed of what a run draws after `count` restarts. */
export const seedAfter = (seed: number, count: number) =>
  (seed + count * seedStride) % Number.MAX_SAFE_INTEGER;
