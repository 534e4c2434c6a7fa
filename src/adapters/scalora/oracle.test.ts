import { expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import * as torch from "../../torch/index.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import { ExactBase } from "../core/base-store.ts";
import { enableBaseGradients, oracleEvent, oraclePreview } from "./oracle.ts";
import { effectiveWeights, frobenius, randomBank } from "./testing/random-bank.ts";

/** One backward pass whose gradient with respect to W_eff is xᵀ-weighted: gives the watched bank its G. */
function backwardThrough(bank: ReturnType<typeof randomBank>["bank"], seed: number): torch.Tensor[] {
  using generator = new torch.Generator(seed, "cpu");
  return bank.layers.map(({ linear }) => {
    const [m, n] = linear.weight.shape;
    const x = torch.randn([40, n], { generator, dtype: "float64", device: "cpu" });
    const weights = torch.randn([40, m], { generator, dtype: "float64", device: "cpu" });
    torch.sum(torch.mul(linear.forward(x), weights)).backward();
    return torch.matmul(torch.transpose(weights, 0, 1), x);
  });
}

test("the oracle keeps the effective weight and reaches the Eckart–Young bound", () => {
  const { bank, redraw, dispose } = randomBank();
  redraw(0.3);
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const before = effectiveWeights(bank, (i) => base.weight(i));
    enableBaseGradients(bank);
    const gradients = backwardThrough(bank, 5);
    // With ρ = 1/(s√(Lη)), the objective is ‖G − (G V₂V₂ᵀ + U₁U₁ᵀ G)‖²/L², U₁ and V₂ the directions of Ã and B̃.
    const rho = 0.8;
    const outcomes = oracleEvent(bank, base, undefined, {
      moments: "reset",
      scale: { columnNorm: rho },
      peakLr: 0.01,
      elapsed: 10,
    });
    expect(outcomes.map(({ branch }) => branch)).toEqual(["oracle", "oracle", "oracle"]);
    expect(
      frobenius(
        effectiveWeights(bank, (i) => base.weight(i)),
        before,
      ),
    ).toBeLessThan(1e-13);
    gradients.forEach((G, index) => {
      const [A, B] = mapTuple([bank.A, bank.B], (stack) =>
        torch.divScalar(torch.select(stack, 0, index), rho),
      );
      const update = torch.add(
        torch.matmul(torch.matmul(G, B), torch.transpose(B, 0, 1)),
        torch.matmul(A, torch.matmul(torch.transpose(A, 0, 1), G)),
      );
      const reached = torch.linalgVectorNorm(torch.sub(G, update)).item() ** 2;
      const sigma = torch.linalgSvdvals(G).toFloats();
      const bound = sigma.slice(2 * bank.shape.rank).reduce((sum, value) => sum + value ** 2, 0);
      expect(reached / bound).toBeCloseTo(1, 10);
      expect(
        frobenius(
          torch.select(bank.gradA, 0, index),
          torch.mulScalar(torch.matmul(G, torch.select(bank.B, 0, index)), bank.shape.scale),
        ),
      ).toBeLessThan(1e-12);
    });
    base.dispose();
  });
  dispose();
});

test("an oracle event resets moments or moves both, writes both gradients, and freezes the weights again", () => {
  const { bank, dispose } = randomBank({ layers: 1, m: 8, n: 7, rank: 3 });
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const { linear, path } = elementAt(bank.layers, 0);
    const adapter = () => linear.adapter;
    enableBaseGradients(bank);
    const [G] = backwardThrough(bank, 2);
    const columns = (stack: torch.Tensor) =>
      torch.linalgVectorNorm(torch.select(stack, 0, 0), { dim: [0] }).toFloats();
    const norms = { A: columns(bank.A), B: columns(bank.B) };
    const side = (stack: torch.Tensor) => ({
      expAvg: torch.onesLike(stack),
      expAvgSq: torch.onesLike(stack),
      steps: torch.ones([], { device: "cpu" }),
    });
    const moments = { A: side(bank.A), B: side(bank.B) };
    const watching = adapter();
    const options = { scale: { columnNorm: 0.5 }, peakLr: 0.01, elapsed: 10 };
    const [outcome] = oracleEvent(bank, base, moments, { ...options, moments: "reset" });
    expect(adapter()).not.toBe(watching);
    expect(linear.plainWeight().requiresGrad).toBe(false);
    expect(outcome).toMatchObject({ path, branch: "oracle", rho: 0.5 });
    for (const [i, norm] of norms.A.entries()) expect(outcome?.normsA[i]).toBeCloseTo(norm, 12);
    for (const [i, norm] of norms.B.entries()) expect(outcome?.normsB[i]).toBeCloseTo(norm, 12);
    for (const { expAvg, expAvgSq, steps } of [moments.A, moments.B])
      for (const tensor of [expAvg, expAvgSq, steps]) expect(torch.max(tensor).item()).toBe(0);
    const gradB = torch.mulScalar(
      torch.matmul(torch.transpose(G ?? expect.fail(), 0, 1), torch.select(bank.A, 0, 0)),
      bank.shape.scale,
    );
    expect(frobenius(torch.select(bank.gradB, 0, 0), gradB)).toBeLessThan(1e-12);
    base.dispose();
  });
  dispose();
});

test("second moments are transported by the squares of the map, and B's by that of A's directions", () => {
  const { bank, dispose } = randomBank({ layers: 1, m: 8, n: 7, rank: 3 });
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const [A, B] = mapTuple([bank.A, bank.B], (stack) => torch.clone(torch.select(stack, 0, 0)));
    enableBaseGradients(bank);
    backwardThrough(bank, 2);
    const side = (stack: torch.Tensor) => ({
      expAvg: torch.clone(stack),
      expAvgSq: torch.square(stack),
    });
    const moments = { A: side(bank.gradA), B: side(bank.gradB) };
    const before = { A: side(bank.gradA), B: side(bank.gradB) };
    oracleEvent(bank, base, moments, { moments: "transport", scale: "preserve", peakLr: 0.01, elapsed: 10 });
    const map = (old: torch.Tensor, stack: torch.Tensor) =>
      torch.matmul(torch.linalgPinv(old, 1e-12), torch.select(stack, 0, 0));
    for (const [name, by] of [
      ["A", map(B, bank.B)],
      ["B", map(A, bank.A)],
    ] as const) {
      const first = torch.matmul(torch.select(before[name].expAvg, 0, 0), by);
      const second = torch.matmul(torch.select(before[name].expAvgSq, 0, 0), torch.square(by));
      expect(frobenius(torch.select(moments[name].expAvg, 0, 0), first), name).toBeLessThan(1e-12);
      expect(frobenius(torch.select(moments[name].expAvgSq, 0, 0), second), name).toBeLessThan(1e-12);
    }
    base.dispose();
  });
  dispose();
});

test("moments without squares are transported too, and a weight that was not watched is a bug", () => {
  const { bank, dispose } = randomBank({ layers: 1, m: 8, n: 7, rank: 3 });
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const options = { moments: "transport", scale: "preserve", peakLr: 0.01, elapsed: 10 } as const;
    expect(() => oracleEvent(bank, base, undefined, options)).toThrow(
      refusal("internal", { message: "no gradient" }),
    );
    enableBaseGradients(bank);
    backwardThrough(bank, 2);
    const moments = { A: { expAvg: torch.clone(bank.gradA) }, B: { expAvg: torch.clone(bank.gradB) } };
    oracleEvent(bank, base, moments, options);
    expect(torch.equal(moments.A.expAvg, bank.gradA)).toBe(false);
    base.dispose();
  });
  dispose();
});

test("the preview of an oracle event has its branch, no factors, and the optimum as its distance", () => {
  const distances = { unscaled: 0.9, chosen: 0.8, optimum: 0.5 };
  const branches = { default: "column", paper: "scalar", scalar: "scalar" };
  const preview = { path: "p", branch: "column", branches, factors: undefined };
  expect(oraclePreview({ ...preview, distances })).toEqual({
    ...preview,
    branch: "oracle",
    distances: { unscaled: 0.9, chosen: 0.5, optimum: 0.5 },
  });
  const unknown = oraclePreview({ ...preview, distances: undefined });
  expect(unknown).toEqual({ ...preview, branch: "oracle", distances: undefined });
});

test("a gradient of too low a rank leaves the layer alone", () => {
  const { bank, dispose } = randomBank({ layers: 1, m: 4, n: 3, rank: 2 });
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const before = torch.clone(bank.A);
    enableBaseGradients(bank);
    backwardThrough(bank, 1);
    const [outcome] = oracleEvent(bank, base, undefined, {
      moments: "reset",
      scale: "preserve",
      peakLr: 0.01,
      elapsed: 10,
    });
    expect(outcome?.branch).toBe("skip_low_rank");
    expect(torch.equal(bank.A, before)).toBe(true);
    base.dispose();
  });
  dispose();
});

test("transported moments are exact where the old factors span the gradients", () => {
  const { bank, dispose } = randomBank({ layers: 1, m: 8, n: 7, rank: 3 });
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    // a history gradient inside the span of B: transporting s·G·B by B⁺B̃ must give s·G·B̃
    using generator = new torch.Generator(9, "cpu");
    const B = torch.clone(torch.select(bank.B, 0, 0));
    const G = torch.matmul(
      torch.randn([8, 3], { generator, dtype: "float64", device: "cpu" }),
      torch.transpose(B, 0, 1),
    );
    const expAvg = torch.unsqueeze(torch.mulScalar(torch.matmul(G, B), bank.shape.scale), 0);
    const side = (stack: torch.Tensor) => ({ expAvg: stack, expAvgSq: torch.square(stack) });
    enableBaseGradients(bank);
    backwardThrough(bank, 2);
    const moments = { A: side(expAvg), B: side(torch.zerosLike(bank.B)) };
    oracleEvent(bank, base, moments, { moments: "transport", scale: "preserve", peakLr: 0.01, elapsed: 10 });
    const expected = torch.mulScalar(torch.matmul(G, torch.select(bank.B, 0, 0)), bank.shape.scale);
    expect(frobenius(torch.select(expAvg, 0, 0), expected)).toBeLessThan(1e-12);
    base.dispose();
  });
  dispose();
});
