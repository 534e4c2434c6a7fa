import { Linear } from "../../../nn/index.ts";
import * as torch from "../../../torch/index.ts";
import { mapTuple } from "../../../util/elements.ts";
import { LowRankBank } from "../../core/bank.ts";

/** A bank of random layers with gradients that belong to its factors: gradA = s·G·B, gradB = s·Gᵀ·A for random G. */
export interface RandomBank {
  readonly bank: LowRankBank;
  /** Full gradients `[L, m, n]`. */
  readonly G: torch.Tensor;
  /** Draws new factors (of the given size) and gradients. */
  redraw(size: number): void;
  dispose(): void;
}

interface BankOptions {
  readonly layers?: number;
  readonly m?: number;
  readonly n?: number;
  readonly rank?: number;
  readonly dtype?: "float32" | "float64" | "bfloat16";
  readonly seed?: number;
}

export const testScale = 1.5;

export function randomBank(options: BankOptions = {}): RandomBank {
  const { layers = 3, m = 12, n = 9, rank = 3, dtype = "float64", seed = 0 } = options;
  const generator = new torch.Generator(seed, "cpu");
  const linears = Array.from({ length: layers }, (_, i) => ({
    path: `layers.${i}`,
    linear: new Linear(
      torch.scope(() => torch.toDType(torch.randn([m, n], { generator, device: "cpu" }), dtype)).keep(),
    ),
  }));
  const bank = new LowRankBank("test", { m, n, rank, scale: testScale }, linears);
  const G = torch.zeros([layers, m, n], { dtype: bank.A.dtype, device: "cpu" }).keep();
  const redraw = (size: number) =>
    torch.noGrad(() =>
      torch.scope(() => {
        for (const stack of [bank.A, bank.B, G]) torch.normal_(stack, { generator });
        torch.mulScalar_(bank.A, size);
        torch.mulScalar_(bank.B, size);
        setGradients(bank, G);
      }),
    );
  redraw(1);
  const dispose = () => {
    for (const { linear } of linears) linear.dispose();
    bank.dispose();
    G.dispose();
    generator.dispose();
  };
  return { bank, G, redraw, dispose };
}

/** gradA = s·G·B and gradB = s·Gᵀ·A. */
export function setGradients({ A, B, gradA, gradB, shape }: LowRankBank, G: torch.Tensor): void {
  torch.copy_(gradA, torch.mulScalar(torch.matmul(G, B), shape.scale));
  torch.copy_(gradB, torch.mulScalar(torch.matmul(torch.transpose(G, 1, 2), A), shape.scale));
}

/** ‖a − b‖_F / ‖b‖_F, in float64. */
export function frobenius(a: torch.Tensor, b: torch.Tensor): number {
  return torch.scope(() => {
    const [x, y] = mapTuple([a, b], (t) => torch.toDType(t, "float64"));
    return torch.linalgVectorNorm(torch.sub(x, y)).item() / torch.linalgVectorNorm(y).item();
  });
}

/** W + s·A·Bᵀ of every layer, in float64. */
export function effectiveWeights(bank: LowRankBank, weight: (index: number) => torch.Tensor): torch.Tensor {
  return torch.scope(() => {
    const [A, B] = mapTuple([bank.A, bank.B], (t) => torch.toDType(t, "float64"));
    const low = torch.mulScalar(torch.matmul(A, torch.transpose(B, 1, 2)), bank.shape.scale);
    const base = torch.stack(bank.layers.map((_, index) => torch.toDType(weight(index), "float64")));
    return torch.add(base, low);
  });
}
