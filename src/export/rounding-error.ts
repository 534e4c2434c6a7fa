import { linalgVectorNorm, noGrad, sub, type Tensor, toDType } from "../torch/index.ts";

/**
 * Accumulates ‖rounded − exact‖² and ‖exact‖² over matrices. Vectors count for neither: GGUF files keep them in float32, and those
 * of a Gemma are longer than all its matrices together, beside which no error would show.
 */
export class RoundingError {
  private changed = 0;
  private whole = 0;

  /** Call it within a scope. */
  add(exact: Tensor, rounded: Tensor): void {
    if (exact.ndim < 2) return;
    noGrad(() => {
      const wide = toDType(exact, "float64");
      this.changed += linalgVectorNorm(sub(toDType(rounded, "float64"), wide)).item() ** 2;
      this.whole += linalgVectorNorm(wide).item() ** 2;
    });
  }

  get relative(): number {
    return this.whole === 0 ? 0 : Math.sqrt(this.changed / this.whole);
  }
}
