import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { type CausalLM, type TokenStream, type TrainingPass, tokenStream } from "./causal-lm.ts";
import { deviceOf } from "./device-of.ts";

/** One flat token stream with its labels; `src/data` makes it. */
export interface LabelledTokens {
  /** [T] */
  readonly tokens: Int32Array;
  /** Sequence starts, S + 1 of them; the last is T. */
  readonly offsets: readonly number[];
  /** Stream positions whose next token is a label. */
  readonly labelPositions: Int32Array;
  /** The tokens to predict there. */
  readonly labelTargets: Int32Array;
}

/** A stream on the model's device with its labels. */
export interface LabelledStream {
  readonly stream: TokenStream;
  /** int64 `[N]`: positions in the stream whose next token is a label. */
  readonly labelPositions: Tensor;
  /** int64 `[N]`: the tokens to predict there. */
  readonly labelTargets: Tensor;
  /** float32 `[N]`: what each label counts; 1 without. */
  readonly labelWeights?: Tensor;
}

/** `streamLossSum` of a batch, whose numbers are copied to the model's device. */
export function causalLossSum(
  model: CausalLM,
  batch: LabelledTokens,
  { recompute }: Pick<TrainingPass, "recompute"> = {},
): Tensor {
  const device = deviceOf(model);
  return streamLossSum(model, {
    stream: tokenStream(batch.tokens, batch.offsets, { device, recompute }),
    labelPositions: torch.indices(batch.labelPositions, { device }),
    labelTargets: torch.indices(batch.labelTargets, { device }),
  });
}

/**
 * Cross entropy summed over a stream's label tokens, in nats: a scalar, differentiable in every parameter.
 * Logits are computed for label positions only; those of an output layer without adapter and bias, chunk by chunk.
 */
export function streamLossSum(
  model: CausalLM,
  { stream, labelPositions, labelTargets, labelWeights }: LabelledStream,
): Tensor {
  const head = model.lm_head;
  if (model.info.tiedEmbeddings && head.weight instanceof torch.Tensor)
    stream.recompute?.sumApart(head.weight);
  const rows = torch.indexSelect(model.hiddenStates(stream), 0, labelPositions);
  if (!head.adapter && !head.bias)
    return torch.linearCrossEntropy(rows, head.denseWeight(), labelTargets, {
      softCap: head.softCap,
      rowWeights: labelWeights,
    });
  const logits = torch.toDType(head.forward(rows), "float32");
  const chosen = torch.gather(torch.logSoftmax(logits, 1), 1, torch.unsqueeze(labelTargets, 1));
  const counted = labelWeights ? torch.mul(chosen, torch.unsqueeze(labelWeights, 1)) : chosen;
  return torch.neg(torch.sum(counted));
}
