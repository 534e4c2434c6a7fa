import type { Linear, Module } from "../../nn/index.ts";
import type { Tensor } from "../../torch/index.ts";
import { internalError, ScaloraError } from "../../util/errors.ts";
import { isRecord, type Json } from "../../util/json.ts";
import type { EventReport, ScalingEvents, StepContext } from "../core/adapter-set.ts";
import { LowRankBank } from "../core/bank.ts";
import type { BaseStore } from "../core/base-store.ts";
import type { LowRankPlan } from "../core/low-rank-adapters.ts";
import { MergingAdapters } from "../core/merging-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { writeDoraFactors } from "../dora/dora.ts";
import { DoraBank } from "../dora/dora-bank.ts";
import { initialiseOrLoadFactors, resolveLoraPlan } from "../lora/lora.ts";
import { fullyTrainedModulesOf } from "../peft/save-adapter.ts";
import { joinedFactors, saveMergingAdapter } from "../peft/save-merging-adapter.ts";
import { type BankMoments, type EventOptions, type LayerOutcome, scalingEvent } from "./event.ts";
import { examineBank } from "./event-preview.ts";
import { eventReport } from "./event-report.ts";
import type { ScaloraOptions } from "./options.ts";
import { enableBaseGradients, oracleEvent, oraclePreview } from "./oracle.ts";

/** Adaptive events apply where a factor is beyond this ratio, either way. */
const adaptiveThreshold = 1.2;

/** Steps from one event whose effect on the loss is measured to the next: a forward pass in ten steps. */
const measuredEvery = 10;

/**
 * ScaLoRA (arXiv 2510.23818): LoRA whose base absorbs, at each event, the difference that an optimal scaling of the factors'
 * columns makes, so that the effective weight stays and the accumulated change gains rank. docs/scalora.md has the mathematics.
 */
export class ScaloraAdapters extends MergingAdapters {
  override readonly scaling: ScalingEvents = {
    hasEvent: (step) => this.hasEvent(step),
    preview: (step, gradientOf) => {
      const previews = this.banks.flatMap((bank) => examineBank(bank, this.eventOptions(step), gradientOf));
      return this.isOracle ? previews.map(oraclePreview) : previews;
    },
  };
  private readonly options: ScaloraOptions;
  private events = 0;
  private branches: Record<string, number> = {};

  constructor(model: Module, plan: LowRankPlan, options: ScaloraOptions) {
    super(options.method, model, plan, options.magnitude ? DoraBank : LowRankBank, options);
    this.options = options;
  }

  /** Over a factored base a LoRA folder, with magnitudes a DoRA folder; refused otherwise. */
  saveAdapter(folder: string, baseModel: string): void {
    if (this.options.magnitude) {
      const banks = this.banks.filter((bank) => bank instanceof DoraBank);
      writeDoraFactors(folder, joinedFactors(this), banks, baseModel, fullyTrainedModulesOf(this));
    } else saveMergingAdapter(folder, this, baseModel);
  }

  override loadState(read: (name: string) => Tensor): void {
    super.loadState(read);
    for (const bank of this.banks) measureBase(bank);
  }

  override measuresEvent(step: StepContext): boolean {
    const moves = this.bases.some((base, index) => base.isLossy(this.banks[index].shape.rank));
    if (!moves || !this.hasEvent(step)) return false;
    const { interval } = this.options;
    const every = interval === "adaptive" ? measuredEvery : Math.ceil(measuredEvery / interval);
    return this.events % every === 0;
  }

  override beforeForward(step: StepContext): void {
    if (!this.isOracle || !this.hasEvent(step)) return;
    for (const bank of this.banks) enableBaseGradients(bank);
  }

  override beforeClip(step: StepContext): EventReport | undefined {
    if (!this.hasEvent(step)) return undefined;
    const outcomes = this.banks.map((bank, index) => this.runEvent(bank, this.bases[index], step));
    for (const bank of this.banks) measureBase(bank);
    this.events++;
    for (const { branch } of outcomes.flat()) this.branches[branch] = (this.branches[branch] ?? 0) + 1;
    return eventReport(
      this.banks.map(({ shape }, index) => ({ shape, outcomes: outcomes[index] })),
      step,
    );
  }

  private runEvent(bank: LowRankBank, base: BaseStore, step: StepContext): LayerOutcome[] {
    const averages = bankMoments(bank, step.moments);
    const options = this.eventOptions(step);
    if (!this.isOracle) return scalingEvent(bank, base, averages, options);
    const rule = this.options.moments === "transport" ? "transport" : "reset";
    return oracleEvent(bank, base, averages, { ...options, moments: rule });
  }

  /** How events choose factors; with policy svd, how the default policy would. */
  private eventOptions({ peakLr, lr }: StepContext): EventOptions {
    const { policy, moments, interval, scale } = this.options;
    if (moments === "transport" && policy !== "svd")
      throw new ScaloraError("config", "moments: transport needs policy: svd", { where: "adapter.moments" });
    if (interval === "adaptive" && typeof scale === "object" && "horizon" in scale)
      throw new ScaloraError("config", "a horizon needs events at a fixed interval", {
        where: "adapter.scale",
      });
    return {
      policy: policy === "svd" ? "default" : policy,
      moments: moments === "transport" ? "reset" : moments,
      scale: scale === "auto" ? "preserve" : scale,
      peakLr,
      elapsed: (this.stepsBetween * lr) / peakLr,
      threshold: interval === "adaptive" ? adaptiveThreshold : 1,
    };
  }

  /** Whether events replace the factors by the optimum of Theorem 3.2 in place of scaling them. */
  private get isOracle(): boolean {
    return this.options.policy === "svd";
  }

  /** The first event, then every `interval` steps. */
  private hasEvent({ step, warmupSteps }: Pick<StepContext, "step" | "warmupSteps">): boolean {
    const first = Math.max(2, this.options.firstEvent ?? warmupSteps + 1);
    return step >= first && (step - first) % this.stepsBetween === 0;
  }

  /** Steps from one event to the next; adaptive events look at every step. */
  private get stepsBetween(): number {
    const { interval } = this.options;
    return interval === "adaptive" ? 1 : interval;
  }

  override counters(): Json {
    return { events: this.events, branches: this.branches };
  }

  override loadCounters(counters: Json): void {
    if (!isRecord(counters) || !isRecord(counters.branches))
      throw internalError("the counters of ScaLoRA are not what it saved");
    this.events = Number(counters.events);
    this.branches = Object.fromEntries(
      Object.entries(counters.branches).map(([name, count]) => [name, Number(count)]),
    );
  }
}

/** Hangs ScaLoRA on a model; its adapted weights move into stores that merging into loses nothing. */
export function attachScalora(
  model: Module,
  options: ScaloraOptions,
  { seed }: AttachContext,
): ScaloraAdapters {
  const plan = resolveLoraPlan(model, options);
  for (const { linear } of plan.targets) refuseOracle(linear.weight, options);
  const adapters = new ScaloraAdapters(model, plan, options);
  initialiseOrLoadFactors(adapters, options, seed);
  for (const bank of adapters.banks) if (bank instanceof DoraBank) bank.startMagnitudes();
  return adapters;
}

/** The lengths of rows that magnitudes are relative to follow what was merged. */
function measureBase(bank: LowRankBank): void {
  if (bank instanceof DoraBank) bank.updateBaseRowNorms();
}

function bankMoments({ name }: LowRankBank, moments: StepContext["moments"]): BankMoments | undefined {
  const [A, B] = [moments(`${name}.A`), moments(`${name}.B`)];
  return A && B ? { A, B } : undefined;
}

function refuseOracle({ dtype }: Linear["weight"], { policy, base, magnitude }: ScaloraOptions): void {
  if (policy !== "svd") return;
  if (magnitude)
    throw new ScaloraError(
      "config",
      "policy: svd takes the gradient of the weight, which magnitudes rescale",
      {
        where: "adapter.magnitude",
        fix: "use another policy, or leave magnitude out",
      },
    );
  if (base === "factored")
    throw new ScaloraError(
      "config",
      "policy: svd works on full weights, and a factored base keeps them frozen",
      {
        where: "adapter.base",
        fix: "use base: exact",
      },
    );
  if (dtype !== "bfloat16") return;
  throw new ScaloraError("config", "policy: svd needs full gradients in float32", {
    where: "adapter.policy",
    fix: "use model.dtype: float32",
  });
}
