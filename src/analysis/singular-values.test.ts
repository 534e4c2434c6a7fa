import { expect, test } from "vitest";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import * as torch from "../torch/index.ts";
import { elementAt, mapTuple } from "../util/elements.ts";
import { ranksFromSingularValues } from "./matrix-ranks.ts";
import {
  leadingEnergyFraction,
  leadingSpectrum,
  significantSpectrum,
  spectrumRanks,
} from "./singular-values.ts";

checkTensorLeaks();

/** A matrix whose singular values are given, with random singular vectors. */
function matrixOf(m: number, n: number, value: (i: number) => number): torch.Tensor {
  return torch.scope(() => {
    using generator = new torch.Generator(3, "cpu");
    const side = Math.min(m, n);
    const [left, right] = mapTuple(
      [m, n],
      (rows) => torch.linalgQr(torch.randn([rows, side], { generator, dtype: "float64", device: "cpu" }))[0],
    );
    const values = torch.fromData(
      Float64Array.from({ length: side }, (_, i) => value(i)),
      [side],
      { device: "cpu" },
    );
    return torch.matmul(torch.mul(left, values), torch.transpose(right, 0, 1));
  });
}

test.each<[string, (i: number) => number]>([
  ["rank 5, nothing else", (i) => (i < 5 ? 1 + i : 0)],
  ["a fall over the threshold, with a long flat tail just below it", (i) => Math.max(0.8 ** i, 0.009)],
  ["a power law", (i) => (i + 1) ** -1.5],
  ["54 directions, as of the paper's ScaLoRA run", (i) => (i < 54 ? 1 - i / 60 : 1e-4)],
  ["150 directions, more than the first subspace holds", (i) => (i < 150 ? 1 : 1e-3)],
])("sketched as they are exactly: %s", (_, value) => {
  torch.scope(() => {
    const matrix = matrixOf(400, 300, value);
    const exact = torch.linalgSvdvals(matrix).toFloats();
    const sketched = significantSpectrum(matrix);
    const expected = ranksFromSingularValues(exact);
    const ranks = spectrumRanks(sketched);
    expect(ranks.complete).toBe(true);
    expect(Math.abs(ranks.rank - expected.rank)).toBeLessThanOrEqual(1);
    expect(ranks.entropyRank / expected.entropyRank).toBeCloseTo(1, 2);
    for (let i = 0; i < 8; i++)
      expect(Math.abs(elementAt(sketched.values, i) - elementAt(exact, i))).toBeLessThan(
        1e-4 * elementAt(exact, 0),
      );
    const energy = exact.reduce((sum, x) => sum + x * x, 0);
    const leading = exact.subarray(0, 8).reduce((sum, x) => sum + x * x, 0);
    expect(leadingEnergyFraction(sketched, 8)).toBeCloseTo(leading / energy, 5);
    const share = leadingEnergyFraction(leadingSpectrum(matrix, 8), 8);
    expect(Math.abs(share - leading / energy)).toBeLessThan(2e-3);
  });
});

test("a small matrix is decomposed exactly, and nothing is drawn from a run's generators", () => {
  torch.scope(() => {
    const matrix = matrixOf(40, 30, (i) => 1 / (1 + i));
    expect(significantSpectrum(matrix).values).toEqual(torch.linalgSvdvals(matrix).toFloats());
  });
});

test("a rank beyond the widest subspace is only known to be at least that", () => {
  torch.scope(() => {
    const { rank, complete } = spectrumRanks(significantSpectrum(matrixOf(620, 610, () => 1)));
    expect([rank, complete]).toEqual([496, false]);
  });
});

test("of zero there is no direction", () => {
  torch.scope(() => {
    const nothing = significantSpectrum(torch.zeros([5, 4], { device: "cpu" }));
    expect(spectrumRanks(nothing)).toEqual({ rank: 0, entropyRank: 0, complete: true });
    expect(leadingEnergyFraction(nothing, 2)).toBe(0);
  });
});
