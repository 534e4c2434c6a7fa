import type { Trainable } from "../adapters/core/adapter-set.ts";
import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";

/**
 * Euclidean norms of all gradients and of `extra` (a scalar), read with one copy to the host.
 * @returns `norms` in the order of `trainables`, non-finite where a gradient is.
 */
export function gradientNorms(
  trainables: readonly Trainable[],
  extra: Tensor,
): { norms: number[]; extra: number } {
  return torch.noGrad(() =>
    torch.scope(() => {
      const wide = (x: Tensor) => (x.dtype === "float64" ? x : torch.toDType(x, "float64"));
      const norms = trainables.map(({ grad }) => wide(norm(grad)));
      const [first = Number.NaN, ...others] = torch.stack([wide(torch.detach(extra)), ...norms]).toFloats();
      return { norms: others, extra: first };
    }),
  );
}

/** Norm of one tensor, accumulated in float32 or better; in float64 when squares may overflow or lose precision. */
function norm(x: Tensor, dtype?: "float64"): Tensor {
  const accumulate = dtype ?? (x.dtype === "float64" ? "float64" : "float32");
  return torch.linalgVectorNorm(x, { dtype: accumulate });
}

/** The norm of a finite tensor whose float32 squares overflow. */
export function exactNorm(x: Tensor): number {
  return torch.noGrad(() => torch.scope(() => norm(x, "float64").item()));
}

/** Norm over all gradients together. */
export const globalNorm = (norms: readonly number[]) => Math.sqrt(norms.reduce((sum, n) => sum + n * n, 0));

/**
 * Scales all gradients so that their global norm is at most `limit`, as `torch.nn.utils.clip_grad_norm_` does.
 * @returns whether they were scaled.
 */
export function clipGradients(trainables: readonly Trainable[], norm: number, limit: number): boolean {
  const factor = limit / (norm + 1e-6);
  if (factor >= 1) return false;
  torch.noGrad(() => {
    torch.foreachMul_(
      trainables.map(({ grad }) => grad),
      factor,
    );
  });
  return true;
}

/** Visits the parameters in `tensor`, a trainable's value or gradient: the slices of a bank, or the tensor itself. */
export function forEachParameter(
  { name, slices }: Trainable,
  tensor: Tensor,
  visit: (name: string, part: Tensor) => void,
): void {
  torch.noGrad(() => {
    if (!slices) visit(name, tensor);
    else
      slices.forEach((slice, i) => {
        torch.scope(() => visit(`${slice} (${name})`, torch.select(tensor, 0, i)));
      });
  });
}
