import type { FrozenDelta } from "../../nn/index.ts";
import {
  addmm,
  cat,
  copy_,
  fill_,
  linalgQr,
  linalgSvd,
  matmul,
  mul,
  narrow,
  noGrad,
  scope,
  select,
  sqrt,
  type Tensor,
  toDType,
  transpose,
  unsqueeze,
  zero_,
  zeros,
} from "../../torch/index.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import type { EventReport } from "./adapter-set.ts";
import { adapterDType, type NamedLinear } from "./bank.ts";
import type { BaseStore } from "./base-store.ts";

/** Singular values below this share of the largest are rounding errors of the store's precision. */
const negligible = { float32: 2 ** -23, float64: 2 ** -52 };

/** Maximum and mean over layers of what a factored base truncated at one merge, as shares of the energy merged so far. */
export function truncationReport(cuts: readonly number[]): EventReport {
  if (cuts.length === 0) return {};
  return { cutMax: Math.max(...cuts), cutMean: cuts.reduce((sum, cut) => sum + cut, 0) / cuts.length };
}

/** The rank of what is merged where the options name none. */
export const defaultBaseRank = (rank: number) => Math.max(64, 8 * rank);

/**
 * The frozen base, and everything merged so far as a separate P·Qᵀ of rank at most R: (m + n)·R values per layer. A merge appends
 * columns; when there would be more than R, they are replaced by the best approximation of rank R, from a thin QR of both
 * factors and the SVD of their small product (Eckart–Young).
 */
export class FrozenDeltaBase implements BaseStore {
  /** `[L, m, R]` and `[L, n, R]`; columns beyond those in use are 0. */
  private readonly P: Tensor;
  private readonly Q: Tensor;
  /** Columns in use, `[1]`, for checkpoints; `columns` is the same number. */
  private readonly used: Tensor;
  private columns = 0;
  private readonly layers: readonly NamedLinear[];
  private factors: readonly FrozenDelta[] = [];

  /** @param rank R; more than min(m, n) has no use and takes no room */
  constructor(layers: readonly NamedLinear[], rank: number) {
    this.layers = layers;
    const { weight } = elementAt(layers, 0).linear;
    const [m, n] = weight.shape;
    const dtype = adapterDType(weight);
    const make = (rows: number) =>
      zeros([layers.length, rows, Math.min(rank, m, n)], { dtype, device: weight.device }).keep();
    [this.P, this.Q] = [make(m), make(n)];
    this.used = zeros([1], { dtype: "int64", device: "cpu" }).keep();
  }

  /** P `[m, k]` and Q `[n, k]` of a layer, the k columns in use; the store's, until it absorbs more. */
  frozenDelta(index: number): FrozenDelta | undefined {
    return this.factors[index];
  }

  isLossy(columns: number): boolean {
    const [, m, rank] = this.P.sizes(3);
    const [, n] = this.Q.sizes(3);
    return rank < Math.min(m, n) && this.columns + columns > rank;
  }

  merge(left: Tensor, right: Tensor): number[] {
    const [, , added] = left.sizes(3);
    const [layers, , rank] = this.P.sizes(3);
    return noGrad(() =>
      scope(() => {
        if (this.columns + added <= rank) {
          this.write(left, right, this.columns);
          return Array.from({ length: layers }, () => 0);
        }
        const extended = (old: Tensor, more: Tensor) =>
          cat([narrow(old, 2, 0, this.columns), more], { dim: 2 });
        const best = truncateToRank(extended(this.P, left), extended(this.Q, right), rank);
        for (const stack of [this.P, this.Q]) zero_(stack);
        this.write(best.left, best.right, 0);
        return best.cut;
      }),
    );
  }

  /** Puts columns into both factors from a place on; they are the last ones in use. */
  private write(left: Tensor, right: Tensor, from: number): void {
    const [, , columns] = left.sizes(3);
    copy_(narrow(this.P, 2, from, columns), left);
    copy_(narrow(this.Q, 2, from, columns), right);
    this.use(from + columns);
  }

  private use(columns: number): void {
    this.columns = columns;
    fill_(this.used, columns);
    this.disposeFactors();
    if (columns === 0) return;
    this.factors = this.layers.map((_, index) => {
      const part = (stack: Tensor) => scope(() => narrow(select(stack, 0, index), 1, 0, columns)).keep();
      return { P: part(this.P), Q: part(this.Q) };
    });
  }

  private disposeFactors(): void {
    for (const { P, Q } of this.factors) {
      P.dispose();
      Q.dispose();
    }
    this.factors = [];
  }

  /** W + P·Qᵀ in float64, since the change may be small compared to W. */
  weight(index: number): Tensor {
    return noGrad(() =>
      scope(() => {
        const [P, Q] = mapTuple([this.P, this.Q], (stack) => toDType(select(stack, 0, index), "float64"));
        return addmm(
          toDType(elementAt(this.layers, index).linear.denseWeight(), "float64"),
          P,
          transpose(Q, 0, 1),
        );
      }),
    );
  }

  state(): Map<string, Tensor> {
    return new Map([
      ["base.P", this.P],
      ["base.Q", this.Q],
      ["base.columns", this.used],
    ]);
  }

  restored(): void {
    this.use(this.used.item());
  }

  dispose(): void {
    this.disposeFactors();
    for (const tensor of [this.P, this.Q, this.used]) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * The products `left · rightᵀ` of a bank as products of rank at most `rank`, the best ones: columns √σ·u and √σ·v of their
 * leading singular triplets. Layers keep as many as the one that needs most.
 * @param left `[L, m, k]`
 * @param right `[L, n, k]`
 * @returns with it, by layer, the share of the product's energy (‖·‖²_F) that is lost
 */
export function truncateToRank(
  left: Tensor,
  right: Tensor,
  rank: number,
): { left: Tensor; right: Tensor; cut: number[] } {
  const layers = left.size(0);
  const { dtype } = left;
  const [U, upper] = linalgQr(left);
  const [V, lower] = linalgQr(right);
  // The squares of singular values tell what is lost: in float64, for they are small.
  const core = matmul(toDType(upper, "float64"), transpose(toDType(lower, "float64"), 1, 2));
  const [inner, sigma, outer] = linalgSvd(core, { fullMatrices: false });
  const values = sigma.toFloats();
  const width = values.length / layers;
  const rows = Array.from({ length: layers }, (_, i) => values.subarray(i * width, (i + 1) * width));
  const floor = dtype === "float64" ? negligible.float64 : negligible.float32;
  const needed = rows.map((row) => row.filter((value) => value > floor * elementAt(row, 0)).length);
  const kept = Math.max(1, Math.min(rank, Math.max(...needed)));
  const roots = unsqueeze(sqrt(narrow(sigma, 1, 0, kept)), 1);
  const scaledVectors = (basis: Tensor, vectors: Tensor) =>
    matmul(basis, toDType(mul(narrow(vectors, 2, 0, kept), roots), dtype));
  return {
    left: scaledVectors(U, inner),
    right: scaledVectors(V, transpose(outer, 1, 2)),
    cut: rows.map((row) => lostShare(row, kept)),
  };
}

/** Σ σ² from the one at `kept` on, over all. */
function lostShare(values: Float64Array, kept: number): number {
  const energy = (part: Float64Array) => part.reduce((total, value) => total + value ** 2, 0);
  const lost = energy(values.subarray(kept));
  return lost === 0 ? 0 : lost / energy(values);
}
