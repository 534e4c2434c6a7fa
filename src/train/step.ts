import type { AdapterSet, EventReport, StepContext, StepHooks } from "../adapters/core/adapter-set.ts";
import { naming } from "../adapters/core/name-method.ts";
import type { Batch } from "../data/types.ts";
import type { TrainableModel } from "../nn/classifier.ts";
import { deviceOf } from "../nn/index.ts";
import type { Optimizer, Schedule } from "../optim/index.ts";
import type { LayerAnalysis } from "../run/analysis-event.ts";
import type { Generator, Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { elementAt, zip } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { mapInTurns } from "../util/event-loop.ts";
import { forwardAndBackward } from "./forward-and-backward.ts";
import { clipGradients, exactNorm, globalNorm, gradientNorms } from "./gradient-norms.ts";
import type { StepGraphs } from "./graphs/step-graphs.ts";
import { nonFiniteGradientError, nonFiniteLossError } from "./non-finite.ts";
import { type Objective, objectiveOf } from "./objective.ts";
import type { DataParallel } from "./ranks/data-parallel.ts";
import { StepDropout } from "./step-dropout.ts";
import type { StepProfiler } from "./step-profiler.ts";

/** What a step needs. */
export interface StepParts {
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  /** Maximum global gradient norm; 0 turns clipping off. */
  readonly clip: number;
  /** Generator for the model's own dropout; without it dropout is off. */
  readonly dropout?: Generator | undefined;
  /** Whether the backward pass runs the model's blocks again, so that the forward pass keeps only their inputs. */
  readonly recompute?: boolean;
  /** The ranks that share the step's micro-batches, each of which has all of them; this process alone by default. */
  readonly ranks?: DataParallel | undefined;
  /** Forward and backward passes of a decoder as graphs of its GPU, where this process trains alone. */
  readonly graphs?: StepGraphs | undefined;
  readonly observer?: StepObserver;
  readonly profiler?: Pick<StepProfiler, "beginPhase" | "isRecording">;
}

/** Observes some steps of a run without changing the training, bit for bit. */
export interface StepObserver {
  /** Called before the step's first forward pass, after the method's hook. */
  beforeForward(step: StepContext): void;
  /** After `beforeForward`: tensors whose gradients it needs; they have gradients, of zeros. */
  watched?(): readonly Tensor[];
  /**
   * Called after forward and backward of each micro-batch that has labels, `done` of `all`; their gradients add up.
   * @param gradientOf the gradient that a watched tensor has from them
   */
  afterMicroBatch?(done: number, all: number, gradientOf: (tensor: Tensor) => Tensor | undefined): void;
  /** Called after backward, when all gradients are finite, before the method's hook. */
  afterBackward(step: StepContext): void;
  /** Called after the step. @returns the observation; undefined when this step is not observed */
  afterStep(step: StepContext): StepObservation | undefined;
}

/** What an observer measured at a step, by layer. */
export interface StepObservation {
  /** Duration of the observation. */
  readonly seconds: number;
  readonly layers: LayerAnalysis[];
}

export interface StepReport {
  /** Mean over the labels of all micro-batches, before the update: cross entropy in nats, or squared error. */
  readonly loss: number;
  readonly lr: number;
  /** Global gradient norm after the method's hook, before clipping. */
  readonly gradNorm: number;
  readonly clipped: boolean;
  readonly tokens: number;
  /** Number of labels: tokens, or rows for a classification. */
  readonly labelTokens: number;
  /** Report of the method's hook, if it acted. */
  readonly event: EventReport | undefined;
  readonly observation: StepObservation | undefined;
}

/** The next micro-batches of a step. The event loop turns meanwhile. */
export function takeMicroBatches(batches: { next(): Batch }, count: number): Promise<Batch[]> {
  return mapInTurns(Array.from({ length: count }), () => batches.next());
}

/**
 * One optimiser step over several micro-batches: forward and backward of each, normalised by the number of all labels →
 * check that all is finite → the method's hook → clip → optimiser → gradients to zero. Leaves no tensor behind. The event loop
 * turns between micro-batches that take long together.
 * @throws `data` when there is no label, `run` when a loss or gradient is not finite (nothing is changed).
 */
export async function trainStep(
  parts: StepParts,
  microBatches: readonly Batch[],
  step: number,
): Promise<StepReport> {
  const { adapters, optimizer, schedule, observer, profiler } = parts;
  profiler?.beginPhase("method");
  const objective = objectiveOf(parts.model);
  const labelTokens = microBatches.reduce((sum, batch) => sum + objective.labelCount(batch), 0);
  if (labelTokens === 0)
    throw new ScaloraError("data", `The batch of step ${step} has no label tokens`, {
      where: microBatches.flatMap(({ sources }) => sources).join(", "),
      fix: "drop rows whose completion is entirely masked or truncated",
    });
  const hook = <T>(name: keyof StepHooks, run: () => T) =>
    naming(adapters.method, `${name} of step ${step}`, run);
  const { warmupSteps, peakLr } = schedule;
  const lr = schedule.lrAt(step) * hook("lrFactor", () => adapters.lrFactor(step));
  const context: StepContext = { step, warmupSteps, peakLr, lr, moments: (name) => optimizer.moments(name) };
  using inStep = new torch.ScopeInParts();
  const { isMeasured, masks } = inStep.run(() => {
    hook("beforeForward", () => adapters.beforeForward(context));
    observer?.beforeForward(context);
    const measured = hook("measuresEvent", () => adapters.measuresEvent(context));
    return { isMeasured: measured, masks: new StepDropout(parts.dropout, microBatches.length, measured) };
  });
  const passes = { objective, counted: withLabels(objective, microBatches), labelTokens, masks, inStep };
  const lossSum = await accumulate(parts, passes);
  const { norms, loss, report } = inStep.run(() => {
    checkWeightFiles();
    profiler?.beginPhase("gradients");
    const finite = finiteNorms(parts, microBatches, step, lossSum);
    observer?.afterBackward(context);
    profiler?.beginPhase("method");
    return {
      ...finite,
      report: hook("beforeClip", () => torch.noGrad(() => adapters.beforeClip(context))),
    };
  });
  const lossBefore = loss / labelTokens;
  const lossAfter = async () => (await recomputeLoss(parts, passes)) / labelTokens;
  const event = report && isMeasured ? { ...report, lossBefore, lossAfter: await lossAfter() } : report;
  profiler?.beginPhase("optimizer");
  return inStep.run(() => {
    const gradNorm = globalNorm(event ? trainableNorms(adapters, lossSum) : norms);
    const clipped = parts.clip > 0 && clipGradients(adapters.trainables(), gradNorm, parts.clip);
    optimizer.step(lr);
    adapters.zeroGrad();
    const observation = observer?.afterStep(context);
    const tokens = microBatches.reduce((sum, batch) => sum + batch.tokens.length, 0);
    return { loss: lossBefore, lr, gradNorm, clipped, tokens, labelTokens, event, observation };
  });
}

/** The summed loss of the micro-batches with the present weights, under the same dropout masks as before. */
async function recomputeLoss(
  { ranks, graphs }: Pick<StepParts, "ranks" | "graphs">,
  { objective, counted, masks }: Passes,
): Promise<number> {
  masks.rewind();
  const lossSum = (batch: Batch, index: number) =>
    graphs && !graphs.hasGivenUp
      ? graphs.lossSum(batch)
      : masks.draw(index, (dropout) => objective.lossSum(batch, { dropout }));
  const lossOf = (batch: Batch, index: number) =>
    torch.noGrad(() => torch.scope(() => lossSum(batch, index).item()));
  const losses = ranks
    ? await ranks.collect(counted.length, (index) => lossOf(elementAt(counted, index), index))
    : await mapInTurns(counted, lossOf);
  return losses.reduce((sum, loss) => sum + loss, 0);
}

const withLabels = (objective: Objective, microBatches: readonly Batch[]) =>
  microBatches.filter((batch) => objective.labelCount(batch) > 0);

/** Frozen weights are memory-mapped: if another process truncates the file during training, they read as zeros. */
function checkWeightFiles(): void {
  if (torch.mappedFilesIntact()) return;
  throw new ScaloraError("run", "A weight file of the model was truncated while in use; the run stops", {
    fix: "restore the model's folder, then resume from the last checkpoint",
  });
}

/** What the forward and backward passes of a step work on. */
interface Passes {
  readonly objective: Objective;
  /** The micro-batches that have labels. */
  readonly counted: readonly Batch[];
  /** Labels of all of them. */
  readonly labelTokens: number;
  readonly masks: StepDropout;
  readonly inStep: torch.ScopeInParts;
}

/** Forward and backward of every micro-batch; each graph is freed before the next. @returns the summed loss, a scalar. */
async function accumulate(parts: StepParts, passes: Passes): Promise<Tensor> {
  const { counted, inStep } = passes;
  const { adapters, ranks, observer, profiler } = parts;
  const afterEach = (index: number, gradientOf: (tensor: Tensor) => Tensor | undefined) =>
    observer?.afterMicroBatch?.(index + 1, counted.length, gradientOf);
  const lossOf = (batch: Batch, index: number) =>
    inStep.run((): Tensor => {
      const sum = torch.scope(() => addGradients(parts, passes, batch, index));
      if (ranks) profiler?.beginPhase("gradients");
      else afterEach(index, ({ grad }) => grad);
      return sum;
    });
  if (!ranks) {
    const sums = await mapInTurns(counted, lossOf);
    return inStep.run(() => torch.sum(torch.stack(sums), { dtype: "float64" }));
  }
  const leaves = watchedBy(adapters, observer);
  const losses = await ranks.accumulate(counted.length, (index) => lossOf(elementAt(counted, index), index), {
    leaves,
    afterEach: (index, sumOf) => inStep.run(() => afterEach(index, sumOf)),
  });
  const device = deviceOf(parts.model);
  return inStep.run(() =>
    torch.sum(torch.fromData(losses, [losses.length], { dtype: "float64", device }), { dtype: "float64" }),
  );
}

/** Adds the gradients of a micro-batch. @returns its loss, detached */
function addGradients(
  parts: StepParts,
  { objective, labelTokens, masks }: Passes,
  batch: Batch,
  index: number,
): Tensor {
  const { graphs } = parts;
  if (graphs && !graphs.hasGivenUp) return graphs.pass(parts, batch, labelTokens, canReplay(parts));
  return masks.draw(index, (dropout) =>
    forwardAndBackward(parts, {
      sum: (recompute) => objective.lossSum(batch, { dropout, recompute }),
      mean: (sum) => torch.divScalar(sum, labelTokens),
      dropout,
    }),
  );
}

/** Whether no tensor collects gradients that does not in other steps, and no operator is looked at. */
const canReplay = ({ adapters, observer, profiler }: StepParts) =>
  profiler?.isRecording !== true && watchedBy(adapters, observer).length === 0;

const watchedBy = (adapters: AdapterSet, observer: StepObserver | undefined): Tensor[] => [
  ...(adapters.watched?.() ?? []),
  ...(observer?.watched?.() ?? []),
];

function finiteNorms(
  parts: StepParts,
  microBatches: readonly Batch[],
  step: number,
  lossSum: Tensor,
): { norms: number[]; loss: number } {
  const { model, adapters } = parts;
  const { norms, extra } = gradientNorms(adapters.trainables(), lossSum);
  if (!Number.isFinite(extra)) throw nonFiniteLossError(model, adapters, microBatches, step, extra);
  if (norms.every(Number.isFinite)) return { norms, loss: extra };
  const error = nonFiniteGradientError(parts, microBatches, step);
  if (error) throw error;
  return { norms: trainableNorms(adapters, lossSum), loss: extra };
}

/** Norms of finite gradients; in float64 when float32 overflows. */
function trainableNorms(adapters: AdapterSet, anyScalar: Tensor): number[] {
  const trainables = adapters.trainables();
  const { norms } = gradientNorms(trainables, anyScalar);
  return zip(norms, trainables).map(([norm, { grad }]) => (Number.isFinite(norm) ? norm : exactNorm(grad)));
}
