import type { Module } from "../../nn/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { elementAt } from "../../util/elements.ts";
import type { BaseOptions } from "../options/fields.ts";
import type { StepContext } from "./adapter-set.ts";
import type { LowRankBank } from "./bank.ts";
import type { BaseStore } from "./base-store.ts";
import { baseStoreFactory } from "./base-store-factory.ts";
import { type BankOf, type LowRankPlan, makeBanks } from "./low-rank-adapters.ts";
import { untieWeight } from "./untie-weight.ts";

/** Factors that are merged into their base, fully or in part, during training. */
export interface MergingBanks<B extends LowRankBank> {
  readonly banks: readonly B[];
  /** Where the adapted weights lie, by bank. */
  readonly bases: readonly BaseStore[];
}

/**
 * Zero factors for every group of equal layers, whose adapted weights move into stores of their own.
 * @throws ScaloraError `config` for weights that nothing can be merged into as the options say
 */
export function makeMergingBanks<B extends LowRankBank>(
  model: Module,
  plan: LowRankPlan,
  Kind: BankOf<B>,
  options: BaseOptions,
): MergingBanks<B> {
  prepareBases(model, plan, options);
  const banks = makeBanks(plan, Kind);
  const bases: BaseStore[] = [];
  disposeOnError([...banks], () => {
    for (const bank of banks) bases.push(makeBase(bank, options));
  });
  return { banks, bases };
}

/**
 * `passKey` of a method after so many merges: factored bases compute with other tensors after each, the others are written in place.
 */
export const keyOfMerges = ({ bases }: Pick<MergingBanks<LowRankBank>, "bases">, merges: number): number =>
  bases.some(({ frozenDelta }) => frozenDelta !== undefined) ? merges : 0;

function makeBase(bank: LowRankBank, options: BaseOptions): BaseStore {
  const { layers, shape } = bank;
  const store = baseStoreFactory(elementAt(layers, 0).linear, options, shape.rank)(layers);
  bank.frozenDelta = store.frozenDelta && ((index) => store.frozenDelta?.(index));
  return store;
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

/** The seed for random draws after `count` restarts. */
export const seedAfter = (seed: number, count: number) =>
  (seed + count * seedStride) % Number.MAX_SAFE_INTEGER;
