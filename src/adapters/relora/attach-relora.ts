import type { Module } from "../../nn/index.ts";
import { mulScalar, noGrad, scope, zero_ } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { elementAt } from "../../util/elements.ts";
import { internalError } from "../../util/errors.ts";
import { isRecord, type Json } from "../../util/json.ts";
import type { EventReport, StepContext } from "../core/adapter-set.ts";
import { LowRankBank } from "../core/bank.ts";
import { truncationReport } from "../core/frozen-delta-base.ts";
import { adapterSet, type MethodHooks } from "../core/layer-adapters.ts";
import { type LowRankAdapters, lowRankParts } from "../core/low-rank-adapters.ts";
import {
  keyOfMerges,
  type MergingBanks,
  makeMergingBanks,
  seedAfter,
  startsInterval,
} from "../core/merging-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { initialiseBanks, initialiseOrLoadFactors, resolveLoraPlan } from "../lora/attach-lora.ts";
import { writeLora } from "../peft/lora-format.ts";
import { saveMergingAdapter } from "../peft/save-merging-adapter.ts";
import type { ReloraOptions } from "./options.ts";
import { pruneMoments } from "./prune-moments.ts";

/** Restarts: the base absorbs the factors, which start anew. */
class Restarts implements Partial<MethodHooks> {
  private readonly factors: MergingBanks<LowRankBank>;
  private readonly options: ReloraOptions;
  private readonly seed: number;
  private restarts = 0;
  /** Shares of energy that the bases truncated at the last restart. */
  private cuts: readonly number[] = [];

  constructor(factors: MergingBanks<LowRankBank>, options: ReloraOptions, seed: number) {
    this.factors = factors;
    this.options = options;
    this.seed = seed;
  }

  lrFactor(step: number): number {
    const { interval, restartWarmup } = this.options;
    const since = (step - 1) % interval;
    return step <= interval || since >= restartWarmup ? 1 : (since + 1) / (restartWarmup + 1);
  }

  beforeForward(step: StepContext): void {
    if (!startsInterval(step, this.options.interval)) return;
    const { banks, bases } = this.factors;
    noGrad(() => {
      this.cuts = banks.flatMap((bank, index) =>
        scope(() => elementAt(bases, index).merge(mulScalar(bank.A, bank.shape.scale), bank.B) ?? []),
      );
      banks.forEach((bank) => {
        zero_(bank.A);
        for (const { name } of bank.trainables()) {
          const moments = step.moments(name);
          if (moments) pruneMoments(moments, this.options.prune);
        }
      });
    });
    this.restarts++;
    initialiseBanks(banks, this.options.init, seedAfter(this.seed, this.restarts));
  }

  beforeClip(step: StepContext): EventReport | undefined {
    if (!startsInterval(step, this.options.interval)) return undefined;
    const layers = this.factors.banks.flatMap((bank) => bank.layers).length;
    return { restart: this.restarts, layers, ...truncationReport(this.cuts) };
  }

  passKey(): number {
    return keyOfMerges(this.factors, this.restarts);
  }

  counters(): Json {
    return { restarts: this.restarts };
  }

  loadCounters(counters: Json): void {
    if (!isRecord(counters)) throw internalError("the counters of ReLoRA are not what it saved");
    this.restarts = Number(counters["restarts"]);
  }
}

/**
 * ReLoRA (arXiv 2307.05695): every `interval` steps the base absorbs the adapter, which starts anew with another random B;
 * most of the optimiser's moments are pruned by size, and the learning rate warms up again (a jagged schedule).
 */
export function attachRelora(
  model: Module,
  options: ReloraOptions,
  { seed }: AttachContext,
): LowRankAdapters {
  const plan = resolveLoraPlan(model, options);
  const factors = makeMergingBanks(model, plan, LowRankBank, options);
  const adapters = adapterSet({
    method: "relora",
    ...lowRankParts(model, plan, factors.banks),
    bases: factors.bases,
    hooks: new Restarts(factors, options, seed),
    saveAdapter: saveMergingAdapter,
    saveOnChangedBase: writeLora,
  });
  disposeOnError([adapters], () => initialiseOrLoadFactors(adapters, options, seed));
  return adapters;
}
