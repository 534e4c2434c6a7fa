// In the place of src/torch/index.ts in src/nn/causal-loss.ts: the loss of the label rows by operators of libtorch.
import * as torch from "../../../src/torch/index.ts";

export * from "../../../src/torch/index.ts";

/** @param hidden `[rows, hidden]`, @param weight `[vocabulary, hidden]`, @param targets int64 `[rows]` */
export function linearCrossEntropy(
  hidden: torch.Tensor,
  weight: torch.Tensor,
  targets: torch.Tensor,
): torch.Tensor {
  const logits = torch.toDType(torch.fastLinear(hidden, weight), "float32");
  const ofTargets = torch.gather(torch.logSoftmax(logits, 1), 1, torch.unsqueeze(targets, 1));
  return torch.neg(torch.sum(ofTargets));
}
