// In the place of src/torch/index.ts in src/nn/linear.ts: LoRA as PEFT computes it, with autograd's products.
import * as torch from "../../../src/torch/index.ts";

export * from "../../../src/torch/index.ts";

/** @param x `[rows, in]`, @param weight `[out, in]`, @param A `[out, r]`, @param B `[in, r]` */
export function loraLinear(
  x: torch.Tensor,
  weight: torch.Tensor,
  A: torch.Tensor,
  B: torch.Tensor,
  scale: number,
  { bias }: { bias?: torch.Tensor | null | undefined } = {},
): torch.Tensor {
  const down = torch.matmul(torch.toDType(x, A.dtype), B);
  const change = torch.mulScalar(torch.matmul(down, torch.transpose(A, 0, 1)), scale);
  return torch.toDType(torch.add(torch.fastLinear(x, weight, { bias }), change), x.dtype);
}
