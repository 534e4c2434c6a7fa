import { expect, test } from "vitest";
import * as torch from "../../torch/index.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import type { GradientSize } from "../core/adapter-set.ts";
import { ExactBase } from "../core/base-store.ts";
import type { ColumnNormRule } from "./column-norm.ts";
import { type EventOptions, scalingEvent } from "./event.ts";
import { examineBank } from "./event-preview.ts";
import { randomBank } from "./testing/random-bank.ts";

const peakLr = 0.01;
const scales: ColumnNormRule[] = ["preserve", { horizon: 50 }, { columnNorm: 0.7 }, { lipschitz: 40 }];
const policies = ["default", "paper", "scalar"] as const;
const cases = scales.flatMap((scale) => policies.map((policy) => ({ scale, policy })));

/** ‖G/L − η s² (G B Bᵀ + A Aᵀ G)‖_F / ‖G/L‖_F, as it is written. */
function distance(G: torch.Tensor, A: torch.Tensor, B: torch.Tensor, s: number, rho: number): number {
  const L = 1 / (peakLr * (s * rho) ** 2);
  const full = torch.divScalar(G, L);
  const ofB = torch.matmul(G, torch.matmul(B, torch.transpose(B, 0, 1)));
  const ofA = torch.matmul(torch.matmul(A, torch.transpose(A, 0, 1)), G);
  const step = torch.mulScalar(torch.add(ofA, ofB), peakLr * s * s);
  return torch.linalgVectorNorm(torch.sub(full, step)).item() / torch.linalgVectorNorm(full).item();
}

test.each(cases)("$policy, $scale: distances are those of the matrices themselves, in float64", (one) => {
  const { bank, G, redraw, dispose } = randomBank({ layers: 4, m: 12, n: 9, rank: 2, seed: 4 });
  redraw(0.4);
  torch.scope(() => {
    const { rank, scale: s } = bank.shape;
    const sigmas = bank.layers.map((_, i) => torch.linalgSvdvals(torch.select(G, 0, i)).toFloats());
    const squares = (values: Float64Array) => values.reduce((sum, x) => sum + x * x, 0);
    const gradientOf = (path: string): GradientSize => {
      const sigma = elementAt(sigmas, Number(path.slice("layers.".length)));
      const energy = squares(sigma);
      return { energy, share: squares(sigma.subarray(0, 2 * rank)) / energy };
    };
    const options: EventOptions = { ...one, moments: "transfer", peakLr, elapsed: 10, threshold: 1 };
    const factorsAt = (i: number) =>
      mapTuple([bank.A, bank.B], (stack) => torch.clone(torch.select(stack, 0, i)));
    const before = bank.layers.map((_, i) => factorsAt(i));
    const views = examineBank(bank, options, gradientOf);
    expect(factorsAt(0).map((t) => t.toFloats())).toEqual(elementAt(before, 0).map((t) => t.toFloats()));
    const base = new ExactBase(bank.layers);
    const outcomes = scalingEvent(bank, base, undefined, options);
    base.dispose();
    views.forEach(({ outcome, branches, distances }, i) => {
      expect(outcome).toEqual(outcomes[i]);
      expect(branches[one.policy]).toBe(outcome.branch);
      const layer = torch.select(G, 0, i);
      const at = ([A, B]: [torch.Tensor, torch.Tensor]) => distance(layer, A, B, s, outcome.rho);
      expect(distances?.unscaled).toBeCloseTo(at(elementAt(before, i)), 10);
      expect(distances?.chosen).toBeCloseTo(at(factorsAt(i)), 10);
      const rest = squares(elementAt(sigmas, i).subarray(2 * rank));
      expect(distances?.optimum).toBeCloseTo(Math.sqrt(rest / squares(elementAt(sigmas, i))), 10);
      expect(distances?.optimum).toBeLessThan(distances?.chosen ?? 0);
    });
  });
  dispose();
});

test("of a gradient that is not known, or zero, there is no distance", () => {
  const { bank, dispose } = randomBank();
  const options: EventOptions = {
    policy: "default",
    moments: "transfer",
    scale: "preserve",
    peakLr,
    elapsed: 10,
    threshold: 1,
  };
  for (const gradient of [undefined, { energy: 0, share: 0 }]) {
    const views = examineBank(bank, options, () => gradient);
    expect(views).toHaveLength(bank.layers.length);
    for (const { distances } of views) expect(distances).toBeUndefined();
  }
  dispose();
});
