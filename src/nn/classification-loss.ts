import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { type TrainingPass, tokenStream } from "./causal-lm.ts";
import type { SequenceClassifier } from "./classifier.ts";
import { deviceOf } from "./device-of.ts";

/** One flat token stream whose sequences have labels; `src/data` makes it. */
export interface LabelledSequences {
  /** [T] */
  readonly tokens: Int32Array;
  /** Sequence starts, S + 1 of them; the last is T. */
  readonly offsets: readonly number[];
  /** Token type ids (the text of a pair that each token belongs to), [T]; absent: all 0. */
  readonly tokenTypes?: Int32Array;
  /** Class indices, or the target values of a regression, [S]. */
  readonly labels: Float64Array;
}

/** Logits `[S, labels]` in float32, differentiable in every parameter. */
export function classifierLogits(
  model: SequenceClassifier,
  { tokens, offsets, tokenTypes }: Omit<LabelledSequences, "labels">,
  pass: TrainingPass = {},
): Tensor {
  const stream = tokenStream(tokens, offsets, { device: deviceOf(model), tokenTypes, ...pass });
  return torch.toDType(model.logits(stream), "float32");
}

/**
 * Cross entropy in nats, or the squared error for a regression, summed over a batch's sequences: a scalar.
 * @param logits of `classifierLogits`
 */
export function labelLossSum(logits: Tensor, labels: Float64Array, regression: boolean): Tensor {
  const { device } = logits;
  if (regression) {
    const targets = torch.fromData(Float32Array.from(labels), [labels.length, 1], { device });
    return torch.sum(torch.square(torch.sub(logits, targets)));
  }
  const classes = torch.unsqueeze(torch.indices(labels, { device }), 1);
  return torch.neg(torch.sum(torch.gather(torch.logSoftmax(logits, 1), 1, classes)));
}
