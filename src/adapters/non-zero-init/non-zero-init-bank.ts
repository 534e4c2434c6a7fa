import type { LinearAdapter } from "../../nn/index.ts";
import {
  cat,
  contiguous,
  copy_,
  type DType,
  matmul,
  noGrad,
  scope,
  select,
  sub,
  type Tensor,
  toDType,
  transpose,
  zerosLike,
} from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { type BankShape, LowRankBank, type NamedLinear } from "../core/bank.ts";
import type { LowRankAdapters } from "../core/low-rank-adapters.ts";
import { type StoredFactors, writeFactors } from "../peft/lora-format.ts";
import { fullyTrainedModulesOf } from "../peft/save-adapter.ts";

/**
 * Factors that start at a non-zero product A₀ B₀ᵀ, which a frozen delta cancels: the effective weight is
 * `W + s (A Bᵀ − A₀ B₀ᵀ)`. The papers subtract s A₀ B₀ᵀ from W instead; kept separately it costs (m + n) r values.
 *
 * The change is computed as `(A − A₀) Bᵀ + A₀ (B − B₀)ᵀ`, with the differences taken before rounding to the layer's dtype: at the
 * start the layer equals the base bit for bit, and in bfloat16 small changes are not lost next to A₀.
 */
export class NonZeroInitBank extends LowRankBank {
  /** A₀ `[L, m, r]` and B₀ `[L, n, r]`. */
  private readonly startA: Tensor;
  private readonly startB: Tensor;
  private readonly starts: readonly { readonly A: Tensor; readonly B: Tensor }[];

  constructor(name: string, shape: BankShape, layers: readonly NamedLinear[]) {
    super(name, shape, layers);
    [this.startA, this.startB] = [zerosLike(this.A).keep(), zerosLike(this.B).keep()];
    this.starts = layers.map((_, index) => ({
      A: select(this.startA, 0, index).keep(),
      B: select(this.startB, 0, index).keep(),
    }));
  }

  /** Puts a layer's factors at a start. @param A `[m, r]`, @param B `[n, r]` */
  begin(index: number, A: Tensor, B: Tensor): void {
    const start = elementAt(this.starts, index);
    for (const slot of [select(this.A, 0, index), start.A]) copy_(slot, A);
    for (const slot of [select(this.B, 0, index), start.B]) copy_(slot, B);
  }

  override linearAdapter(index: number): LinearAdapter {
    const { scale } = this.shape;
    return {
      forward: (x, base) => {
        const { A, B } = this.both(index);
        return base.forwardLowRank(x, A, B, scale);
      },
    };
  }

  /** The learnt change as one product of rank 2r: `[A − A₀ | A₀]` and `[B | B − B₀]`. */
  both(index: number): { A: Tensor; B: Tensor } {
    const [own, start] = [elementAt(this.leaves, index), elementAt(this.starts, index)];
    return {
      A: cat([sub(own.A, start.A), start.A], { dim: 1 }),
      B: cat([own.B, sub(own.B, start.B)], { dim: 1 }),
    };
  }

  protected override product(index: number, dtype: DType): Tensor {
    const { A, B } = this.both(index);
    return matmul(toDType(A, dtype), transpose(toDType(B, dtype), 0, 1));
  }

  override buffers(): Map<string, Tensor> {
    return new Map([
      ["startA", this.startA],
      ["startB", this.startB],
    ]);
  }

  override dispose(): void {
    super.dispose();
    for (const { A, B } of this.starts) {
      A.dispose();
      B.dispose();
    }
  }
}

/** Writes adapters of such banks as a folder of LoRA at rank 2r, for PEFT to put on the base model as it is. */
export function writeNonZeroInit(
  folder: string,
  adapters: LowRankAdapters<NonZeroInitBank>,
  baseModel: string,
): void {
  const layers = adapters.banks.flatMap((bank) =>
    bank.layers.map(({ path }, index) => stored(bank, path, index)),
  );
  writeFactors(folder, layers, baseModel, fullyTrainedModulesOf(adapters));
}

function stored(bank: NonZeroInitBank, path: string, index: number): StoredFactors {
  const { m, n, rank, scale } = bank.shape;
  const { dtype } = bank.A;
  const load = (of: (both: { A: Tensor; B: Tensor }) => Tensor) => () =>
    noGrad(() => scope(() => of(bank.both(index))));
  return {
    path,
    rank: 2 * rank,
    alpha: scale * 2 * rank,
    up: { shape: [m, 2 * rank], dtype, load: load(({ A }) => A) },
    down: { shape: [2 * rank, n], dtype, load: load(({ B }) => contiguous(transpose(B, 0, 1))) },
  };
}
