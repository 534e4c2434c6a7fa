import type { LinearAdapter } from "../../nn/index.js";
import {
  add,
  cat,
  contiguous,
  copy_,
  loraLinear,
  matmul,
  neg,
  noGrad,
  scope,
  select,
  type Tensor,
  toDType,
  transpose,
  zerosLike,
} from "../../torch/index.js";
import { type BankLayer, type BankShape, FactorBank } from "../core/bank.js";
import { FactorAdapters } from "../core/factor-adapters.js";
import { wholeOf } from "../core/peft-folder.js";
import { type StoredFactors, writeFactors } from "./peft.js";

/**
 * Factors that start at (A₀, B₀) other than zero, with what makes up for it: the effective weight is
 * `W + s (A Bᵀ − A₀ B₀ᵀ)`. The papers take s A₀ B₀ᵀ out of W instead; beside W it costs (m + n) r numbers and no rounding.
 */
export class CompensatedBank extends FactorBank {
  /** −A₀ `[L, m, r]` and B₀ `[L, n, r]`. */
  private readonly minusA: Tensor;
  private readonly startB: Tensor;
  private readonly starts: readonly { readonly A: Tensor; readonly B: Tensor }[];

  constructor(name: string, shape: BankShape, layers: readonly BankLayer[]) {
    super(name, shape, layers);
    [this.minusA, this.startB] = [zerosLike(this.A).keep(), zerosLike(this.B).keep()];
    this.starts = layers.map((_, index) => ({
      A: select(this.minusA, 0, index).keep(),
      B: select(this.startB, 0, index).keep(),
    }));
  }

  /** Puts a layer's factors at a start. @param A `[m, r]`, @param B `[n, r]` */
  begin(index: number, A: Tensor, B: Tensor): void {
    copy_(select(this.A, 0, index), A);
    copy_(select(this.B, 0, index), B);
    copy_(this.starts[index].A, neg(A));
    copy_(this.starts[index].B, B);
  }

  override adapterOf(index: number): LinearAdapter {
    const { scale } = this.shape;
    return {
      forward: (x, { weight, bias }) => {
        const { A, B } = this.both(index);
        return loraLinear(x, weight, bias ?? null, A, B, scale);
      },
    };
  }

  /** The factors beside their start: `A Bᵀ − A₀ B₀ᵀ` as one product of rank 2r. */
  both(index: number): { A: Tensor; B: Tensor } {
    const [own, start] = [this.leaves[index], this.starts[index]];
    return { A: cat([own.A, start.A], 1), B: cat([own.B, start.B], 1) };
  }

  override effective(index: number, base: Tensor): Tensor {
    const [A, B] = [this.starts[index].A, this.starts[index].B].map((factor) => toDType(factor, base.dtype));
    return add(super.effective(index, base), matmul(A, transpose(B, 0, 1)), this.shape.scale);
  }

  override frozen(): Map<string, Tensor> {
    return new Map([
      ["minusA", this.minusA],
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

/** Adapters of such banks. Their folder is one of LoRA at rank 2r, for PEFT to put on the base model as it is. */
export class CompensatedAdapters extends FactorAdapters<CompensatedBank> {
  saveAdapter(folder: string, baseModel: string): void {
    const layers = this.banks.flatMap((bank) =>
      bank.layers.map(({ path }, index) => stored(bank, path, index)),
    );
    writeFactors(folder, layers, baseModel, wholeOf(this));
  }
}

function stored(bank: CompensatedBank, path: string, index: number): StoredFactors {
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
