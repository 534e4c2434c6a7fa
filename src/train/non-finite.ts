import type { AdapterSet, Trainable } from "../adapters/core/adapter-set.ts";
import type { Batch } from "../data/types.ts";
import type { TrainableModel } from "../nn/classifier.ts";
import { allFinite } from "../nn/finite.ts";
import { backward, RecomputedPass } from "../nn/recompute.ts";
import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { elementAt, zip } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { firstNonFinite } from "./first-non-finite.ts";
import { forEachParameter } from "./gradient-norms.ts";
import { type Objective, objectiveOf } from "./objective.ts";

/** Maximum number of names in a message. */
const maxListed = 5;

/**
 * Explains a non-finite loss: names the non-finite weights and factors, or else the first module with a non-finite output
 * and the rows with a non-finite loss of their own. The step has not changed anything yet.
 */
export function nonFiniteLossError(
  model: TrainableModel,
  adapters: AdapterSet,
  microBatches: readonly Batch[],
  step: number,
  loss: number,
): ScaloraError {
  const what = `The loss of step ${step} is not finite (${loss}); the run stops before changing anything`;
  const weights = [...new Set([...badWeights(model), ...adapters.trainables().flatMap(badValues)])];
  if (weights.length > 0)
    return new ScaloraError("run", what, {
      found: `non-finite values in ${list(weights)}`,
      fix:
        step === 1
          ? "they come from the files of the model or the adapter: download these again, or use others"
          : "start a new run with a lower train.lr or train.clip, or from an earlier checkpoint",
    });
  const objective = objectiveOf(model);
  const place = firstPlace(model, microBatches, (batch) => objective.lossSum(batch));
  const rows = badRows(objective, microBatches, (row) => Number.isFinite(objective.evaluate(row).loss));
  return stopError(what, [`first in ${place}`], rows.length > 0 ? rows : sourcesOf(microBatches));
}

/** Explains a non-finite loss of held-out rows, as `nonFiniteLossError` does. */
export function nonFiniteEvaluationError(model: TrainableModel, batch: Batch, loss: number): ScaloraError {
  const where = list(batch.sources);
  const weights = badWeights(model);
  if (weights.length > 0)
    return new ScaloraError("run", "The held-out loss is not finite", {
      where,
      found: `${loss}; non-finite values in ${list(weights)}`,
      fix: "use other files of the model; if it is trained, an earlier checkpoint or a lower learning rate",
    });
  const place = torch.noGrad(() => firstPlace(model, [batch], (rows) => objectiveOf(model).lossSum(rows)));
  return new ScaloraError("run", "The held-out loss is not finite", {
    where,
    found: `${loss}, first in ${place}`,
    fix: "check these rows; if the model is trained, lower the learning rate or use an earlier checkpoint",
  });
}

/** Where the forward pass over the batches first stops being finite. */
function firstPlace(
  model: TrainableModel,
  batches: readonly Batch[],
  compute: (batch: Batch) => unknown,
): string {
  for (const batch of batches) {
    const place = firstNonFinite(model, () => torch.scope(() => void compute(batch)));
    if (place !== undefined) return place;
  }
  return "the loss itself: the outputs of all modules are finite";
}

/**
 * Finds the non-finite gradients of a step, and the rows that cause them on their own. Leaves gradients zero.
 * @returns undefined when all gradients are finite.
 */
export function nonFiniteGradientError(
  { model, adapters, recompute }: { model: TrainableModel; adapters: AdapterSet; recompute?: boolean },
  microBatches: readonly Batch[],
  step: number,
): ScaloraError | undefined {
  const tensors = adapters.trainables().flatMap(badGradients);
  if (tensors.length === 0) return undefined;
  const objective = objectiveOf(model);
  const rows = badRows(objective, microBatches, (row) => {
    adapters.zeroGrad();
    using recomputed = recompute ? new RecomputedPass() : undefined;
    torch.scope(() => backward(objective.lossSum(row, { recompute: recomputed }), recomputed));
    return adapters.trainables().every(({ grad }) => allFinite(grad));
  });
  adapters.zeroGrad();
  return stopError(
    `Gradients of step ${step} are not finite; the run stops before changing anything`,
    [`not finite: ${list(tensors)}`],
    rows.length > 0 ? rows : sourcesOf(microBatches),
  );
}

const sourcesOf = (microBatches: readonly Batch[]) => microBatches.flatMap(({ sources }) => sources);

function stopError(what: string, found: readonly string[], rows: readonly string[]): ScaloraError {
  return new ScaloraError("run", what, {
    found: [...found, `rows: ${list(rows)}`].join("; "),
    fix: "check these rows; start a new run with a lower train.lr or train.clip (a resume would repeat the same steps)",
  });
}

function list(names: readonly string[]): string {
  const rest = names.length - maxListed;
  return names.slice(0, maxListed).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function badWeights(model: TrainableModel): string[] {
  const names: string[] = [];
  for (const [name, weight] of model.namedParameters()) if (!allFinite(weight)) names.push(name);
  return names;
}

const badValues = (trainable: Trainable) => badParts(trainable, trainable.value);
const badGradients = (trainable: Trainable) => badParts(trainable, trainable.grad);

/** Names of the parameters with non-finite elements in `tensor`, the trainable's value or gradient. */
function badParts(trainable: Trainable, tensor: Tensor): string[] {
  const names: string[] = [];
  forEachParameter(trainable, tensor, (name, part) => {
    if (!allFinite(part)) names.push(name);
  });
  return names;
}

/** Sources of the rows that fail `ok` as a batch of one. */
function badRows(
  objective: Objective,
  microBatches: readonly Batch[],
  ok: (row: Batch) => boolean,
): string[] {
  const rows = microBatches.flatMap((batch) => batch.sources.map((_, s) => singleRow(batch, s)));
  return rows.filter((row) => objective.labelCount(row) > 0 && !ok(row)).flatMap(({ sources }) => sources);
}

function singleRow(batch: Batch, s: number): Batch {
  const start = elementAt(batch.offsets, s);
  const end = elementAt(batch.offsets, s + 1);
  const labels = zip(batch.labelPositions, batch.labelTargets).filter(
    ([position]) => start <= position && position < end,
  );
  return {
    tokens: batch.tokens.slice(start, end),
    offsets: [0, end - start],
    labelPositions: Int32Array.from(labels, ([position]) => position - start),
    labelTargets: Int32Array.from(labels, ([, target]) => target),
    sources: batch.sources.slice(s, s + 1),
    ...(batch.labels && { labels: batch.labels.slice(s, s + 1) }),
    ...(batch.tokenTypes && { tokenTypes: batch.tokenTypes.slice(start, end) }),
  };
}
