import { type Linear, type Module, ShardedTensor } from "../../nn/index.ts";
import type { Tensor } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { zip } from "../../util/elements.ts";
import { internalError, ScaloraError } from "../../util/errors.ts";
import { isRecord, type Json } from "../../util/json.ts";
import type {
  EventReport,
  GradientSize,
  LayerScalingPreview,
  ScalingEvents,
  StepContext,
} from "../core/adapter-set.ts";
import { LowRankBank } from "../core/bank.ts";
import type { BaseStore } from "../core/base-store.ts";
import { adapterSet, type MethodHooks } from "../core/layer-adapters.ts";
import { type LowRankAdapters, type LowRankPlan, lowRankParts } from "../core/low-rank-adapters.ts";
import { keyOfMerges, type MergingBanks, makeMergingBanks } from "../core/merging-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { writeDoraFactors } from "../dora/attach-dora.ts";
import { DoraBank } from "../dora/dora-bank.ts";
import { initialiseOrLoadFactors, resolveLoraPlan } from "../lora/attach-lora.ts";
import { writeLora } from "../peft/lora-format.ts";
import { fullyTrainedModulesOf } from "../peft/save-adapter.ts";
import { joinedFactors, saveMergingAdapter } from "../peft/save-merging-adapter.ts";
import { type BankMoments, type EventOptions, type LayerOutcome, scalingEvent } from "./event.ts";
import { examineBank } from "./event-preview.ts";
import { eventReport } from "./event-report.ts";
import { type LayerNorms, normAfterEvent } from "./norm-growth.ts";
import type { ScaloraOptions } from "./options.ts";
import { enableBaseGradients, oracleEvent, oraclePreview } from "./oracle.ts";

/** Adaptive events apply where a factor is beyond this ratio, either way. */
const adaptiveThreshold = 1.2;

/** Steps from one event whose effect on the loss is measured to the next: a forward pass in ten steps. */
const measuredEvery = 10;

/** The factors of a model, their bases, and those of the factors that have magnitudes. */
interface ScaloraFactors extends MergingBanks<LowRankBank> {
  readonly doraBanks: readonly DoraBank[];
}

/** Scaling events: when they happen, and what they do. */
class ScaloraEvents implements ScalingEvents, Partial<MethodHooks> {
  private readonly options: ScaloraOptions;
  private readonly factors: ScaloraFactors;
  private events = 0;
  private branches: Record<string, number> = {};
  private norms: LayerNorms = new Map();

  constructor(options: ScaloraOptions, factors: ScaloraFactors) {
    this.options = options;
    this.factors = factors;
  }

  preview(
    step: StepContext,
    gradientOf: (path: string) => GradientSize | undefined,
  ): readonly LayerScalingPreview[] {
    const options = this.eventOptions(step);
    const previews = this.factors.banks.flatMap((bank) => examineBank(bank, options, gradientOf));
    return this.isOracle ? previews.map(oraclePreview) : previews;
  }

  /** The lengths of rows that magnitudes are relative to follow what was merged. */
  stateLoaded(): void {
    for (const bank of this.factors.doraBanks) bank.updateBaseRowNorms();
  }

  measuresEvent(step: StepContext): boolean {
    const { banks, bases } = this.factors;
    const moves = zip(bases, banks).some(([base, { shape }]) => base.isLossy(shape.rank));
    if (!moves || !this.hasEvent(step)) return false;
    const { interval } = this.options;
    const every = interval === "adaptive" ? measuredEvery : Math.ceil(measuredEvery / interval);
    return this.events % every === 0;
  }

  beforeForward(step: StepContext): void {
    if (!this.isOracle || !this.hasEvent(step)) return;
    for (const bank of this.factors.banks) enableBaseGradients(bank);
  }

  /** The base weights at an event of policy `svd`. */
  watched(): Tensor[] {
    if (!this.isOracle) return [];
    const weights = this.factors.banks.flatMap(({ layers }) =>
      layers.map(({ linear }) => linear.plainWeight()),
    );
    return weights.filter(({ requiresGrad }) => requiresGrad);
  }

  beforeClip(step: StepContext): EventReport | undefined {
    if (!this.hasEvent(step)) return undefined;
    const { banks, bases } = this.factors;
    const outcomes = zip(banks, bases).map(([bank, base]) => this.runEvent(bank, base, step));
    this.stateLoaded();
    this.events++;
    for (const { branch } of outcomes.flat()) this.branches[branch] = (this.branches[branch] ?? 0) + 1;
    const report = eventReport(
      zip(banks, outcomes).map(([{ shape }, ofBank]) => ({ shape, outcomes: ofBank })),
      step,
      { norms: this.norms, steps: this.stepsBetween },
    );
    this.norms = new Map(outcomes.flat().map((outcome) => [outcome.path, normAfterEvent(outcome)]));
    return report;
  }

  private runEvent(bank: LowRankBank, base: BaseStore, step: StepContext): LayerOutcome[] {
    const averages = bankMoments(bank, step.moments);
    const options = this.eventOptions(step);
    if (!this.isOracle) return scalingEvent(bank, base, averages, options);
    const rule = this.options.moments === "transport" ? "transport" : "reset";
    return oracleEvent(bank, base, averages, { ...options, moments: rule });
  }

  /** The options of the events; for policy `svd`, those with which the default policy would run. */
  private eventOptions({ peakLr, lr }: StepContext): EventOptions {
    const { policy, moments, interval, scale } = this.options;
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
  hasEvent({ step, warmupSteps }: Pick<StepContext, "step" | "warmupSteps">): boolean {
    const first = Math.max(2, this.options.firstEvent ?? warmupSteps + 1);
    return step >= first && (step - first) % this.stepsBetween === 0;
  }

  /** Steps from one event to the next; adaptive events look at every step. */
  private get stepsBetween(): number {
    const { interval } = this.options;
    return interval === "adaptive" ? 1 : interval;
  }

  passKey(): number {
    return keyOfMerges(this.factors, this.events);
  }

  counters(): Json {
    return { events: this.events, branches: this.branches, norms: Object.fromEntries(this.norms) };
  }

  /** Checkpoints of earlier versions have no norms. */
  loadCounters(counters: Json): void {
    if (!isRecord(counters) || !isRecord(counters["branches"]))
      throw internalError("the counters of ScaLoRA are not what it saved");
    const { events, branches, norms } = counters;
    this.events = Number(events);
    this.branches = Object.fromEntries(numbersIn(branches));
    this.norms = new Map(isRecord(norms) ? numbersIn(norms) : []);
  }
}

const numbersIn = (record: Readonly<Record<string, unknown>>) =>
  Object.entries(record).map(([name, value]): [string, number] => [name, Number(value)]);

/**
 * ScaLoRA (arXiv 2510.23818): LoRA whose base absorbs, at each event, the difference that an optimal scaling of the factors'
 * columns makes, so that the effective weight stays and the accumulated change gains rank. docs/scalora.md has the mathematics.
 */
export function attachScalora(
  model: Module,
  options: ScaloraOptions,
  { seed }: AttachContext,
): LowRankAdapters {
  const plan = resolveLoraPlan(model, options);
  for (const { linear } of plan.targets) refuseOracle(linear, options);
  const factors = makeFactors(model, plan, options);
  const events = new ScaloraEvents(options, factors);
  const adapters = adapterSet({
    method: options.method,
    ...lowRankParts(model, plan, factors.banks),
    bases: factors.bases,
    scaling: events,
    hooks: events,
    saveAdapter: options.magnitude ? saveWithMagnitudes(factors.doraBanks) : saveMergingAdapter,
    saveOnChangedBase: writeLora,
  });
  disposeOnError([adapters], () => {
    initialiseOrLoadFactors(adapters, options, seed);
    for (const bank of factors.doraBanks) bank.startMagnitudes();
  });
  return adapters;
}

function makeFactors(model: Module, plan: LowRankPlan, options: ScaloraOptions): ScaloraFactors {
  if (!options.magnitude) return { ...makeMergingBanks(model, plan, LowRankBank, options), doraBanks: [] };
  const { banks, bases } = makeMergingBanks(model, plan, DoraBank, options);
  return { banks, bases, doraBanks: banks };
}

/** Over a factored base a DoRA folder; refused otherwise. */
const saveWithMagnitudes =
  (banks: readonly DoraBank[]) => (folder: string, adapters: LowRankAdapters, baseModel: string) =>
    writeDoraFactors(folder, joinedFactors(adapters), banks, baseModel, fullyTrainedModulesOf(adapters));

function bankMoments({ name }: LowRankBank, moments: StepContext["moments"]): BankMoments | undefined {
  const [A, B] = [moments(`${name}.A`), moments(`${name}.B`)];
  return A && B ? { A, B } : undefined;
}

/** What the options refuse by themselves (`checkScaloraOptions`) is not here. */
function refuseOracle({ weight }: Linear, { policy }: ScaloraOptions): void {
  if (policy !== "svd") return;
  if (weight instanceof ShardedTensor)
    throw new ScaloraError("config", "policy: svd needs the gradients of whole weights", {
      where: "train.shardBase",
      fix: "leave train.shardBase out, or use another policy",
    });
  if (weight.dtype !== "bfloat16") return;
  throw new ScaloraError("config", "policy: svd needs full gradients in float32", {
    where: "adapter.policy",
    fix: "use model.dtype: float32",
  });
}
