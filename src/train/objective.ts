import type { Batch } from "../data/types.ts";
import type { TrainingPass } from "../nn/causal-lm.ts";
import { causalLossSum } from "../nn/causal-loss.ts";
import { classifierLogits, labelLossSum } from "../nn/classification-loss.ts";
import { isClassifier, type SequenceClassifier, type TrainableModel } from "../nn/classifier.ts";
import type { TaskType } from "../run/start-event.ts";
import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";

/** The loss that training minimises, summed over the labels of a batch; callers divide by the number of labels. */
export interface Objective {
  readonly taskType: TaskType;
  /** `guessLoss` of the task and the model's outputs. */
  readonly guessLoss: number;
  /** Number of labels in a batch: tokens to predict, or rows for a classification. */
  labelCount(batch: Batch): number;
  /** A scalar, differentiable with respect to every parameter. @param pass what training adds; nothing by default */
  lossSum(batch: Batch, pass?: TrainingPass): Tensor;
  /** The loss as a number, and a classifier's predicted class or number of each row; without gradients. */
  evaluate(batch: Batch): { loss: number; predictions?: Float64Array };
}

/**
 * Loss per label of a model that finds all answers equally likely; infinite for a regression, where all is possible.
 * @param outputs tokens of the vocabulary, or classes
 */
export const guessLoss = (task: TaskType, outputs: number): number =>
  task === "regression" ? Number.POSITIVE_INFINITY : Math.log(outputs);

/** The objective for a kind of model. */
export function objectiveOf(model: TrainableModel): Objective {
  if (isClassifier(model)) return classification(model);
  const lossSum = (batch: Batch, pass?: TrainingPass) => causalLossSum(model, batch, pass);
  return {
    taskType: "causal-lm",
    guessLoss: guessLoss("causal-lm", model.info.vocabSize),
    labelCount: ({ labelTargets }) => labelTargets.length,
    lossSum,
    evaluate: (batch) => ({ loss: torch.noGrad(() => torch.scope(() => lossSum(batch).item())) }),
  };
}

function classification(model: SequenceClassifier): Objective {
  const { regression, labels } = model.info;
  const taskType = regression ? "regression" : "classification";
  return {
    taskType,
    guessLoss: guessLoss(taskType, labels.length),
    labelCount: (batch) => requireLabels(batch).length,
    lossSum: (batch, pass) =>
      labelLossSum(classifierLogits(model, batch, pass), requireLabels(batch), regression),
    evaluate: (batch) =>
      torch.noGrad(() =>
        torch.scope(() => {
          const logits = classifierLogits(model, batch);
          const labels = requireLabels(batch);
          const loss = labelLossSum(logits, labels, regression).item();
          return { loss, predictions: (regression ? logits : torch.argmax(logits, { dim: 1 })).toFloats() };
        }),
      ),
  };
}

/** The label of each row. @throws ScaloraError `data` when the rows have no labels */
export function requireLabels({ labels, sources }: Batch): Float64Array {
  if (labels) return labels;
  throw new ScaloraError("data", "A classifier needs rows with labels", {
    where: sources.join(", "),
    fix: "load them with format: classification",
  });
}
