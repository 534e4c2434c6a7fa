import { expect, test } from "vitest";
import { Linear } from "../../nn/index.ts";
import * as torch from "../../torch/index.ts";
import { mapTuple } from "../../util/elements.ts";
import { NonZeroInitBank } from "./non-zero-init-bank.ts";

/** What a small step of the factors from their start changes in the output of a layer whose own weight is 0. */
test("in bfloat16 a change of 1e-4 is learnt to the precision of bfloat16, not to that of the start", () => {
  const [m, n, rank, scale] = [24, 32, 4, 0.5];
  torch.noGrad(() =>
    torch.scope(() => {
      using generator = new torch.Generator(11, "cpu");
      const random = (...shape: number[]) => torch.randn(shape, { generator, device: "cpu" });
      const linear = new Linear(torch.zeros([m, n], { dtype: "bfloat16", device: "cpu" }));
      const bank = new NonZeroInitBank("test", { m, n, rank, scale }, [{ path: "layer", linear }]);
      const wide = (tensor: torch.Tensor) => torch.toDType(tensor, "float64");
      const product = () => {
        const [A, B] = mapTuple([bank.A, bank.B], (stack) => wide(torch.select(stack, 0, 0)));
        return torch.matmul(A, torch.transpose(B, 0, 1));
      };
      bank.begin(0, random(m, rank), random(n, rank));
      const start = product();
      for (const stack of [bank.A, bank.B]) torch.add_(stack, random(...stack.shape), { alpha: 1e-4 });
      const change = torch.mulScalar(torch.sub(product(), start), scale);
      const x = torch.toDType(random(16, n), "bfloat16");
      const expected = torch.matmul(wide(x), torch.transpose(change, 0, 1));
      const found = wide(bank.linearAdapter(0).forward(x, linear));
      const size = (tensor: torch.Tensor) => torch.linalgVectorNorm(tensor).item();
      expect(size(torch.sub(found, expected)) / size(expected)).toBeLessThan(5e-3);
      const merged = wide(bank.effectiveWeight(0, torch.zeros([m, n], { device: "cpu" })));
      expect(size(torch.sub(merged, change)) / size(change)).toBeLessThan(1e-6);
      bank.dispose();
    }),
  );
});
