import type { Module } from "../../nn/index.ts";
import {
  cat,
  contiguous,
  mulScalar,
  noGrad,
  scope,
  select,
  type Tensor,
  transpose,
} from "../../torch/index.ts";
import { type StoredFactors, writeFactors } from "../lora/peft.ts";
import type { StepContext } from "./adapter-set.ts";
import type { LowRankBank } from "./bank.ts";
import type { BaseStore } from "./base-store.ts";
import { baseStoreFactory, type StoreOptions } from "./base-store-factory.ts";
import { FrozenDeltaBase } from "./frozen-delta-base.ts";
import { adapterExportError } from "./layer-adapters.ts";
import { type BankOf, LowRankAdapters, type LowRankPlan, makeBanks } from "./low-rank-adapters.ts";
import { fullyTrainedModulesOf } from "./peft-folder.ts";
import { untieWeight } from "./untie.ts";

/** Options of the methods that merge into the base as they train. */
export interface MergeOptions extends StoreOptions {
  /** What to do with an adapted weight that another module shares. Default "refuse". */
  readonly tied?: "refuse" | "untie";
}

/** Factors whose base absorbs them, at once or in part, as training goes on: the adapted weights lie in stores of their own. */
export abstract class MergingAdapters<B extends LowRankBank = LowRankBank> extends LowRankAdapters<B> {
  protected readonly bases: readonly BaseStore[];

  constructor(method: string, model: Module, plan: LowRankPlan, Kind: BankOf<B>, options: MergeOptions) {
    prepareBases(model, plan, options);
    super(method, model, makeBanks(plan, Kind), plan.modulesToSave);
    this.bases = this.banks.map((bank) => {
      const { layers, shape } = bank;
      const store = baseStoreFactory(layers[0].linear, options, shape.rank)(layers);
      if (store instanceof FrozenDeltaBase) bank.frozenDelta = (index) => store.frozenDelta(index);
      return store;
    });
  }

  /** Over a factored base what was merged and the factors are an adapter of LoRA together, of the sum of their ranks. */
  saveAdapter(folder: string, baseModel: string): void {
    writeFactors(folder, this.joinedLayers(), baseModel, fullyTrainedModulesOf(this));
  }

  /** What was merged and the factors, layer by layer; refused where the base itself has changed. */
  protected joinedLayers(): StoredFactors[] {
    if (!this.bases.every((base) => base instanceof FrozenDeltaBase))
      throw adapterExportError(
        `${this.method} merges into the base as it trains, so its adapter alone is not what was learnt`,
      );
    return this.banks.flatMap((bank) => bank.layers.map((_, index) => joinedFactors(bank, index)));
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
function prepareBases(model: Module, { targets }: LowRankPlan, options: MergeOptions): void {
  const { tied = "refuse" } = options;
  for (const { linear, rank } of targets) baseStoreFactory(linear, options, rank);
  for (const { path, linear } of targets) untieWeight(model, path, linear, tied);
}

/** `[P | s·A]` and `[Q | B]ᵀ` of a layer: all of its change, at scale 1. */
function joinedFactors(bank: LowRankBank, index: number): StoredFactors {
  const { shape, A, B } = bank;
  const frozen = bank.frozenDelta?.(index);
  const rank = shape.rank + (frozen?.P.shape[1] ?? 0);
  const own = (stack: Tensor) => select(stack, 0, index);
  const load = (of: () => Tensor) => () => noGrad(() => scope(of));
  const join = (first: Tensor | undefined, second: Tensor) => (first ? cat([first, second], 1) : second);
  return {
    path: bank.layers[index].path,
    rank,
    alpha: rank,
    up: {
      shape: [shape.m, rank],
      dtype: A.dtype,
      load: load(() => join(frozen?.P, mulScalar(own(A), shape.scale))),
    },
    down: {
      shape: [rank, shape.n],
      dtype: B.dtype,
      load: load(() => contiguous(transpose(join(frozen?.Q, own(B)), 0, 1))),
    },
  };
}

/** Whether a step is the first of a new stretch of `interval` steps: interval + 1, 2 · interval + 1, … */
export const startsInterval = ({ step }: StepContext, interval: number) =>
  step > 1 && (step - 1) % interval === 0;

/** Seeds of what is drawn anew lie this far apart, so that runs of neighbouring seeds share none. */
const seedStride = 1_000_003;

/** The seed of what a run draws after `count` restarts. */
export const seedAfter = (seed: number, count: number) =>
  (seed + count * seedStride) % Number.MAX_SAFE_INTEGER;
