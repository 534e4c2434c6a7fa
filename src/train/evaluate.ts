import { setImmediate } from "node:timers/promises";
import type { Batch } from "../data/types.ts";
import type { TrainableModel } from "../nn/classifier.ts";
import { isSharded } from "../nn/sharded-model.ts";
import { combineNumbers, gatherNumbers, type ProcessGroup } from "../torch/index.ts";
import { reportActivity } from "../util/activity.ts";
import { elementAt, zip } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { nonFiniteEvaluationError } from "./non-finite.ts";
import { type Objective, objectiveOf, requireLabels } from "./objective.ts";

export interface Evaluation {
  /** Mean over the labels: cross entropy in nats, or squared error for a regression. */
  readonly loss: number;
  /** Number of labels: tokens, or rows for a classification. */
  readonly labelTokens: number;
  /** Classification: fraction of rows classified correctly. */
  readonly accuracy?: number;
  /** Metrics of the task by name; an undefined one (a correlation of constant scores) is 0. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Mean of the metrics named in `scoredBy`; higher is better. */
  readonly score?: number;
  /** Names of the metrics that make the score; absent: all of them. */
  readonly scoredBy?: string[];
}

/** Computes a task's metrics from predicted classes or numbers, by name; NaN for an undefined one. */
export type ComputeMetrics = (
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
) => Readonly<Record<string, number>>;

/** Options of an evaluation. */
export interface EvaluateOptions {
  /** Return true to end the evaluation early, without a result. */
  readonly stopping?: () => boolean;
  /** For classifiers: computed over all rows. */
  readonly metrics?: ComputeMetrics;
  /** For classifiers: called with each batch and the predicted class or number of each of its rows. */
  readonly onPredictions?: (batch: Batch, predictions: Float64Array) => void;
  /** Names of the metrics whose mean is the score; default all. */
  readonly scoredBy?: string[];
  /** The ranks that share the batches, which each of them has all of; the bits are those of one process. */
  readonly group?: ProcessGroup | undefined;
}

/**
 * Loss over held-out batches, normalised by all their labels. Yields to the event loop after each batch.
 * @throws `data` when there is no label, `usage` when `scoredBy` names a metric that there is not, `run` when the loss is not finite.
 */
export async function evaluateLoss(
  model: TrainableModel,
  batches: readonly Batch[],
  { stopping = () => false, metrics, scoredBy, onPredictions, group }: EvaluateOptions = {},
): Promise<Evaluation | undefined> {
  const objective = objectiveOf(model);
  let sum = 0;
  let labelTokens = 0;
  const [labels, predictions]: [number[], number[]] = [[], []];
  const atOnce = group?.size ?? 1;
  for (let first = 0; first < batches.length; first += atOnce) {
    if (await isStopping(stopping, group)) return undefined;
    reportActivity({ what: "evaluating held-out batches", done: first, total: batches.length });
    const round = batches.slice(first, first + atOnce);
    const results = group ? await evaluateRound(group, model, round) : round.map(objective.evaluate);
    for (const [batch, { loss, predictions: found }] of zip(round, results)) {
      if (!Number.isFinite(loss)) throw nonFiniteEvaluationError(model, batch, loss);
      sum += loss;
      labelTokens += objective.labelCount(batch);
      if (found === undefined) continue;
      labels.push(...requireLabels(batch));
      predictions.push(...found);
      onPredictions?.(batch, found);
    }
    await setImmediate();
  }
  if (labelTokens === 0)
    throw new ScaloraError("data", "The held-out set has no label tokens", {
      fix: "use data whose completions are not all masked or truncated",
    });
  const right = predictions.filter((found, row) => found === labels[row]).length;
  return {
    loss: sum / labelTokens,
    labelTokens,
    ...(objective.taskType === "classification" && { accuracy: right / labelTokens }),
    ...(metrics && scored(metrics(labels, predictions), scoredBy)),
  };
}

/** Whether any rank is to stop. */
async function isStopping(stopping: () => boolean, group: ProcessGroup | undefined): Promise<boolean> {
  return group ? (await gatherNumbers(group, Number(stopping()))).some((asked) => asked > 0) : stopping();
}

type Evaluated = ReturnType<Objective["evaluate"]>;

/** Evaluates one batch, or none, on each rank. @param round at most as many batches as there are ranks */
async function evaluateRound(
  group: ProcessGroup,
  model: TrainableModel,
  round: readonly Batch[],
): Promise<Evaluated[]> {
  const objective = objectiveOf(model);
  const own = round[group.rank];
  const mine = own && objective.evaluate(own);
  // The others need this rank's slices of the weights.
  if (!own && isSharded(model)) objective.evaluate(elementAt(round, 0));
  const hasPredictions = objective.taskType !== "causal-lm";
  const lengths = round.map((batch) => 1 + (hasPredictions ? objective.labelCount(batch) : 0));
  const starts = lengths.map((_, index) => lengths.slice(0, index).reduce((sum, n) => sum + n, 0));
  const numbers = new Float64Array(lengths.reduce((sum, n) => sum + n, 0));
  if (mine) numbers.set([mine.loss, ...(mine.predictions ?? [])], starts[group.rank]);
  const all = await combineNumbers(group, numbers);
  return lengths.map((length, index) => {
    const start = elementAt(starts, index);
    const predictions = all.slice(start + 1, start + length);
    return { loss: elementAt(all, start), ...(hasPredictions && { predictions }) };
  });
}

function scored(
  values: Readonly<Record<string, number>>,
  scoredBy: string[] | undefined,
): Pick<Evaluation, "metrics" | "score" | "scoredBy"> {
  const metrics = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Number.isNaN(value) ? 0 : value]),
  );
  const names = scoredBy ?? Object.keys(metrics);
  const sum = names.reduce((total, name) => total + (metrics[name] ?? unknownMetric(name, metrics)), 0);
  return { metrics, score: sum / names.length, ...(scoredBy && { scoredBy }) };
}

function unknownMetric(name: string, metrics: Readonly<Record<string, number>>): never {
  throw new ScaloraError("usage", "The score is to be made of a metric that is not computed", {
    where: "scoredBy",
    expected: Object.keys(metrics).join(", "),
    found: name,
  });
}
