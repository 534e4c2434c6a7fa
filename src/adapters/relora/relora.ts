import type { Module } from "../../nn/index.ts";
import { mulScalar, noGrad, scope, zero_ } from "../../torch/index.ts";
import { internalError } from "../../util/errors.ts";
import { isRecord, type Json } from "../../util/json.ts";
import type { EventReport, StepContext } from "../core/adapter-set.ts";
import { LowRankBank } from "../core/bank.ts";
import { truncationReport } from "../core/frozen-delta-base.ts";
import type { LowRankPlan } from "../core/low-rank-adapters.ts";
import { MergingAdapters, seedAfter, startsInterval } from "../core/merging-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { initialiseBanks, initialiseOrLoadFactors, resolveLoraPlan } from "../lora/lora.ts";
import { saveMergingAdapter } from "../peft/save-merging-adapter.ts";
import type { ReloraOptions } from "./options.ts";
import { pruneMoments } from "./prune-moments.ts";

/**
 * ReLoRA (arXiv 2307.05695): every `interval` steps the base absorbs the adapter, which starts anew with another random B;
 * most of the optimiser's moments are pruned by size, and the learning rate warms up again (a jagged schedule).
 */
export class ReloraAdapters extends MergingAdapters {
  private readonly options: ReloraOptions;
  private readonly seed: number;
  private restarts = 0;
  /** What the bases cut off at the last restart. */
  private cuts: readonly number[] = [];

  constructor(model: Module, plan: LowRankPlan, options: ReloraOptions, seed: number) {
    super("relora", model, plan, LowRankBank, options);
    this.options = options;
    this.seed = seed;
  }

  override lrFactor(step: number): number {
    const { interval, restartWarmup } = this.options;
    const since = (step - 1) % interval;
    return step <= interval || since >= restartWarmup ? 1 : (since + 1) / (restartWarmup + 1);
  }

  override beforeForward(step: StepContext): void {
    if (!startsInterval(step, this.options.interval)) return;
    noGrad(() => {
      this.cuts = this.banks.flatMap((bank, index) =>
        scope(() => this.bases[index].merge(mulScalar(bank.A, bank.shape.scale), bank.B) ?? []),
      );
      this.banks.forEach((bank) => {
        zero_(bank.A);
        for (const { name } of bank.trainables()) {
          const moments = step.moments(name);
          if (moments) pruneMoments(moments, this.options.prune);
        }
      });
    });
    this.restarts++;
    initialiseBanks(this, this.options.init, seedAfter(this.seed, this.restarts));
  }

  override beforeClip(step: StepContext): EventReport | undefined {
    if (!startsInterval(step, this.options.interval)) return undefined;
    return { restart: this.restarts, layers: this.adaptedPaths().length, ...truncationReport(this.cuts) };
  }

  saveAdapter(folder: string, baseModel: string): void {
    saveMergingAdapter(folder, this, baseModel);
  }

  override counters(): Json {
    return { restarts: this.restarts };
  }

  override loadCounters(counters: Json): void {
    if (!isRecord(counters)) throw internalError("the counters of ReLoRA are not what it saved");
    this.restarts = Number(counters.restarts);
  }
}

export function attachRelora(model: Module, options: ReloraOptions, { seed }: AttachContext): ReloraAdapters {
  const adapters = new ReloraAdapters(model, resolveLoraPlan(model, options), options, seed);
  initialiseOrLoadFactors(adapters, options, seed);
  return adapters;
}
