import type { Module } from "../../nn/index.ts";
import type { Tensor } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import type { BaseOptions } from "../options/fields.ts";
import type { StepContext } from "./adapter-set.ts";
import type { LowRankBank } from "./bank.ts";
import type { BaseStore } from "./base-store.ts";
import { baseStoreFactory } from "./base-store-factory.ts";
import { type BankOf, LowRankAdapters, type LowRankPlan, makeBanks } from "./low-rank-adapters.ts";
import { untieWeight } from "./untie.ts";

/** Factors whose base absorbs them, at once or in part, as training goes on: the adapted weights lie in stores of their own. */
export abstract class MergingAdapters<B extends LowRankBank = LowRankBank> extends LowRankAdapters<B> {
  /** Where the adapted weights are, by bank. */
  readonly bases: readonly BaseStore[];

  constructor(method: string, model: Module, plan: LowRankPlan, Kind: BankOf<B>, options: BaseOptions) {
    prepareBases(model, plan, options);
    super(method, model, makeBanks(plan, Kind), plan.modulesToSave);
    const bases: BaseStore[] = [];
    this.bases = bases;
    disposeOnError(this, () => {
      for (const bank of this.banks) {
        const { layers, shape } = bank;
        const store = baseStoreFactory(layers[0].linear, options, shape.rank)(layers);
        bank.frozenDelta = store.frozenDelta && ((index) => store.frozenDelta?.(index));
        bases.push(store);
      }
    });
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

  override loadState(read: (name: string) => Tensor): void {
    super.loadState(read);
    for (const base of this.bases) base.restored?.();
  }

  override dispose(): void {
    super.dispose();
    for (const base of this.bases) base.dispose();
  }
}

/** Every refusal comes before the first factor is made. */
function prepareBases(model: Module, { targets }: LowRankPlan, options: BaseOptions): void {
  const { tied } = options;
  for (const { linear, rank } of targets) baseStoreFactory(linear, options, rank);
  for (const { path, linear } of targets) untieWeight(model, path, linear, tied);
}

/** Whether a step is the first of a new stretch of `interval` steps: interval + 1, 2 · interval + 1, … */
export const startsInterval = ({ step }: StepContext, interval: number) =>
  step > 1 && (step - 1) % interval === 0;

/** Seeds of what is drawn anew lie this far apart, so that runs of neighbouring seeds share none. */
const seedStride = 1_000_003;

/** The seed of what a run draws after `count` restarts. */
export const seedAfter = (seed: number, count: number) =>
  (seed + count * seedStride) % Number.MAX_SAFE_INTEGER;
