import type { AdapterSet, EventReport, StepContext, StepHooks } from "../adapters/core/adapter-set.ts";
import { naming } from "../adapters/core/name-method.ts";
import type { Batch } from "../data/types.ts";
import type { TrainableModel } from "../nn/classifier.ts";
import type { Optimizer, Schedule } from "../optim/index.ts";
import type { LayerAnalysis } from "../run/analysis-event.ts";
import type { Generator, Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { zip } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { clipGradients, exactNorm, globalNorm, gradientNorms } from "./gradient-norms.ts";
import { nonFiniteGradientError, nonFiniteLossError } from "./non-finite.ts";
import { type Objective, objectiveOf } from "./objective.ts";

/** What a step works on. */
export interface StepParts {
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  /** Largest global gradient norm; 0 turns clipping off. */
  readonly clip: number;
  /** What the model's own dropout is drawn from; without it there is none. */
  readonly dropout?: Generator | undefined;
  readonly observer?: StepObserver;
}

/** Looks on as a run trains, at some of its steps; changes nothing of it, to the last bit. */
export interface StepObserver {
  /** Before the step's first forward pass, after the method's hook there. */
  beforeForward(step: StepContext): void;
  /** After backward with every gradient finite, before the method's hook. */
  afterBackward(step: StepContext): void;
  /** After the step. @returns what was seen, if it looked */
  afterStep(step: StepContext): StepObservation | undefined;
}

/** What an observer saw of a step's layers. */
export interface StepObservation {
  /** What looking took. */
  readonly seconds: number;
  readonly layers: LayerAnalysis[];
}

export interface StepReport {
  /** Mean over the labels of the whole window, before the step: cross entropy in nats, or squared error. */
  readonly loss: number;
  readonly lr: number;
  /** Global norm as clipping saw it: after the method's hook, before clipping. */
  readonly gradNorm: number;
  readonly clipped: boolean;
  readonly tokens: number;
  /** Labels: tokens, or rows of a classification. */
  readonly labelTokens: number;
  /** What the method's hook did, if anything. */
  readonly event: EventReport | undefined;
  readonly observation: StepObservation | undefined;
}

/**
 * One optimiser step over a window of micro-batches: forward and backward of each, normalised by the labels
 * of all → everything finite → the method's hook → clip → optimiser → gradients to zero.
 * Leaves no tensor behind.
 * @throws `data` when the window has no label, `run` when a loss or gradient is not finite (nothing is changed).
 */
export function trainStep(parts: StepParts, microBatches: readonly Batch[], step: number): StepReport {
  const { adapters, optimizer, schedule, observer } = parts;
  const objective = objectiveOf(parts.model);
  const labelTokens = microBatches.reduce((sum, batch) => sum + objective.labelCount(batch), 0);
  if (labelTokens === 0)
    throw new ScaloraError("data", `The batch of step ${step} has no label tokens`, {
      where: microBatches.flatMap(({ sources }) => sources).join(", "),
      fix: "drop rows whose completion is masked or cut off entirely",
    });
  const hook = <T>(name: keyof StepHooks, run: () => T) =>
    naming(adapters.method, `${name} of step ${step}`, run);
  const { warmupSteps, peakLr } = schedule;
  const lr = schedule.lrAt(step) * hook("lrFactor", () => adapters.lrFactor(step));
  const context: StepContext = { step, warmupSteps, peakLr, lr, moments: (name) => optimizer.moments(name) };
  return torch.scope(() => {
    hook("beforeForward", () => adapters.beforeForward(context));
    observer?.beforeForward(context);
    const isMeasured = hook("measuresEvent", () => adapters.measuresEvent(context));
    const dropoutState = isMeasured ? parts.dropout?.state() : undefined;
    const lossSum = accumulate(objective, microBatches, labelTokens, parts.dropout);
    checkWeightFiles();
    const { norms, loss } = finiteNorms(parts, microBatches, step, lossSum);
    observer?.afterBackward(context);
    const report = hook("beforeClip", () => torch.noGrad(() => adapters.beforeClip(context)));
    const lossBefore = loss / labelTokens;
    const lossAfter = () => recomputeLoss(objective, microBatches, parts.dropout, dropoutState) / labelTokens;
    const event = report && isMeasured ? { ...report, lossBefore, lossAfter: lossAfter() } : report;
    const gradNorm = globalNorm(event ? trainableNorms(adapters, lossSum) : norms);
    const clipped = parts.clip > 0 && clipGradients(adapters.trainables(), gradNorm, parts.clip);
    optimizer.step(lr);
    adapters.zeroGrad();
    const observation = observer?.afterStep(context);
    const tokens = microBatches.reduce((sum, batch) => sum + batch.tokens.length, 0);
    return { loss: lossBefore, lr, gradNorm, clipped, tokens, labelTokens, event, observation };
  });
}

/**
 * The summed loss of a window with the weights as they are now, under the dropout that it had before.
 * @param dropoutState state of the dropout's generator before that loss
 */
function recomputeLoss(
  objective: Objective,
  microBatches: readonly Batch[],
  dropout: Generator | undefined,
  dropoutState: Tensor | undefined,
): number {
  if (dropoutState) dropout?.setState(dropoutState);
  const lossOf = (batch: Batch) =>
    torch.noGrad(() => torch.scope(() => objective.lossSum(batch, dropout).item()));
  return withLabels(objective, microBatches).reduce((sum, batch) => sum + lossOf(batch), 0);
}

const withLabels = (objective: Objective, microBatches: readonly Batch[]) =>
  microBatches.filter((batch) => objective.labelCount(batch) > 0);

/** Frozen weights are read from their mapped files: one that was cut short since has turned to zeros. */
function checkWeightFiles(): void {
  if (torch.mappedFilesIntact()) return;
  throw new ScaloraError(
    "run",
    "A weight file of the model was cut short while it was in use; the run stops",
    {
      fix: "restore the model's folder, then resume from the last checkpoint",
    },
  );
}

/** Backward of every micro-batch; each graph is gone before the next. @returns the summed loss, a scalar tensor. */
function accumulate(
  objective: Objective,
  microBatches: readonly Batch[],
  labelTokens: number,
  dropout: Generator | undefined,
): Tensor {
  const sums = withLabels(objective, microBatches).map((batch) =>
    torch.scope(() => {
      const loss = objective.lossSum(batch, dropout);
      torch.divScalar(loss, labelTokens).backward();
      return torch.detach(loss);
    }),
  );
  return torch.sum(torch.stack(sums), { dtype: "float64" });
}

function finiteNorms(
  { model, adapters }: StepParts,
  microBatches: readonly Batch[],
  step: number,
  lossSum: Tensor,
): { norms: number[]; loss: number } {
  const { norms, extra } = gradientNorms(adapters.trainables(), lossSum);
  if (!Number.isFinite(extra)) throw nonFiniteLossError(model, adapters, microBatches, step, extra);
  if (norms.every(Number.isFinite)) return { norms, loss: extra };
  const error = nonFiniteGradientError(model, adapters, microBatches, step);
  if (error) throw error;
  return { norms: trainableNorms(adapters, lossSum), loss: extra };
}

/** Norms of finite gradients, in float64 where float32 overflows. */
function trainableNorms(adapters: AdapterSet, anyScalar: Tensor): number[] {
  const trainables = adapters.trainables();
  const { norms } = gradientNorms(trainables, anyScalar);
  return zip(norms, trainables).map(([norm, { grad }]) => (Number.isFinite(norm) ? norm : exactNorm(grad)));
}
