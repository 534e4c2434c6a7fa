import type { AdapterSet, Trainable } from "../adapters/core/adapter-set.ts";
import type { Batch } from "../data/types.ts";
import type { TrainableModel } from "../nn/classifier.ts";
import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { elementAt, zip } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { allFinite, forEachParameter } from "./gradient-norms.ts";
import { type Objective, objectiveOf } from "./objective.ts";

/** How many names a message lists. */
const maxListed = 5;

/**
 * Why a step's loss is not finite: weights or factors that are not, else the rows whose loss, each taken alone, is not.
 * Nothing has been changed by the step yet.
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
      found: `numbers that are not finite in ${list(weights)}`,
      fix:
        step === 1
          ? "the model's files or the adapter's hold them: fetch these again, or start from others"
          : "start a new run with a lower train.lr or train.clip, or from an earlier checkpoint",
    });
  const objective = objectiveOf(model);
  const rows = badRows(objective, microBatches, (row) => Number.isFinite(objective.evaluate(row).loss));
  return stopError(what, { tensors: [], rows: rows.length > 0 ? rows : sourcesOf(microBatches) });
}

/**
 * Which gradients of a step are not finite and which rows, each taken alone, make them so. Leaves gradients zero.
 * @returns undefined when all are finite.
 */
export function nonFiniteGradientError(
  model: TrainableModel,
  adapters: AdapterSet,
  microBatches: readonly Batch[],
  step: number,
): ScaloraError | undefined {
  const tensors = adapters.trainables().flatMap(badGradients);
  if (tensors.length === 0) return undefined;
  const objective = objectiveOf(model);
  const rows = badRows(objective, microBatches, (row) => {
    adapters.zeroGrad();
    torch.scope(() => objective.lossSum(row).backward());
    return adapters.trainables().every(({ grad }) => allFinite(grad));
  });
  adapters.zeroGrad();
  return stopError(`Gradients of step ${step} are not finite; the run stops before changing anything`, {
    tensors,
    rows: rows.length > 0 ? rows : sourcesOf(microBatches),
  });
}

const sourcesOf = (window: readonly Batch[]) => window.flatMap(({ sources }) => sources);

function stopError(what: string, found: { tensors: string[]; rows: string[] }): ScaloraError {
  const tensors = found.tensors.length > 0 ? `not finite: ${list(found.tensors)}; ` : "";
  return new ScaloraError("run", what, {
    found: `${tensors}rows: ${list(found.rows)}`,
    fix: "look at these rows; start a new run with a lower train.lr or train.clip (a resume would repeat these steps as they were)",
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

/** Names of the parameters whose part of `tensor`, the trainable's value or gradient, is not finite. */
function badParts(trainable: Trainable, tensor: Tensor): string[] {
  const names: string[] = [];
  forEachParameter(trainable, tensor, (name, part) => {
    if (!allFinite(part)) names.push(name);
  });
  return names;
}

/** Sources of the sequences that fail `ok` when each is a batch alone. */
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
