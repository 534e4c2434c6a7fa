// In the place of src/nn/causal-loss.ts: the logits of all tokens, as transformers computes them.
import { type CausalLM, tokenStream } from "../../../src/nn/causal-lm.ts";
import type { LabelledTokens } from "../../../src/nn/causal-loss.ts";
import * as torch from "../../../src/torch/index.ts";

export function causalLossSum(model: CausalLM, batch: LabelledTokens): torch.Tensor {
  const { device } = model.lm_head.denseWeight();
  const hidden = model.hiddenStates(tokenStream(batch.tokens, batch.offsets, { device }));
  const logits = torch.toDType(model.lm_head.forward(hidden), "float32");
  const rows = torch.indexSelect(
    torch.logSoftmax(logits, 1),
    0,
    torch.indices(batch.labelPositions, { device }),
  );
  const targets = torch.unsqueeze(torch.indices(batch.labelTargets, { device }), 1);
  return torch.neg(torch.sum(torch.gather(rows, 1, targets)));
}
