import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { type CausalLM, type TrainingPass, tokenStream } from "./causal-lm.ts";
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

/**
 * Cross entropy summed over a batch's label tokens, in nats: a scalar, differentiable in every parameter.
 * Logits are computed for label positions only; those of an output layer without adapter and bias, chunk by chunk.
 */
export function causalLossSum(
  model: CausalLM,
  batch: LabelledTokens,
  { recompute }: Pick<TrainingPass, "recompute"> = {},
): Tensor {
  const head = model.lm_head;
  const device = deviceOf(model);
  if (model.info.tiedEmbeddings && head.weight instanceof torch.Tensor) recompute?.sumApart(head.weight);
  const hidden = model.hiddenStates(tokenStream(batch.tokens, batch.offsets, { device, recompute }));
  const rows = torch.indexSelect(hidden, 0, torch.indices(batch.labelPositions, { device }));
  const targets = torch.indices(batch.labelTargets, { device });
  if (!head.adapter && !head.bias)
    return torch.linearCrossEntropy(rows, head.denseWeight(), targets, { softCap: head.softCap });
  const logits = torch.toDType(head.forward(rows), "float32");
  return torch.neg(torch.sum(torch.gather(torch.logSoftmax(logits, 1), 1, torch.unsqueeze(targets, 1))));
}
