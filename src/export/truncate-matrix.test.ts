import { expect, test } from "vitest";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import * as torch from "../torch/index.ts";
import { elementAt, mapTuple } from "../util/elements.ts";
import { truncateMatrix } from "./truncate-matrix.ts";

checkTensorLeaks();

/** A matrix in float64 whose singular values are given, with random singular vectors. */
function matrixOf(m: number, n: number, value: (i: number) => number): torch.Tensor {
  using generator = new torch.Generator(3, "cpu");
  const side = Math.min(m, n);
  const [left, right] = mapTuple(
    [m, n],
    (rows) => torch.linalgQr(torch.randn([rows, side], { generator, dtype: "float64", device: "cpu" }))[0],
  );
  const values = Float64Array.from({ length: side }, (_, i) => value(i));
  const scaled = torch.mul(left, torch.fromData(values, [side], { device: "cpu" }));
  return torch.matmul(scaled, torch.transpose(right, 0, 1));
}

/** ‖matrix − up·down‖²_F, in float64. */
function squaredError(matrix: torch.Tensor, { up, down }: { up: torch.Tensor; down: torch.Tensor }): number {
  const product = torch.matmul(torch.toDType(up, "float64"), torch.toDType(down, "float64"));
  return torch.linalgVectorNorm(torch.sub(matrix, product)).item() ** 2;
}

/** The energies of all singular values by `torch.linalg.svd`, which the code under test does not use on whole matrices. */
function exactEnergies(matrix: torch.Tensor): number[] {
  const [, values] = torch.linalgSvd(matrix, { fullMatrices: false });
  return [...values.toFloats()].map((value) => value * value);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Relative to the whole energy: factors in float32 are wrong by 6e-8, which is 4e-15 of the energy beyond what is cut off. */
const tolerance = 1e-10;

const spectra: readonly [string, (i: number) => number][] = [
  ["of a trained change: a power law", (i) => (i + 1) ** -1.2],
  ["of rank 5, with rounding errors", (i) => (i < 5 ? 3 - i / 2 : 1e-7)],
  ["of rank 5 exactly", (i) => (i < 5 ? 3 - i / 2 : 0)],
  ["that falls fast", (i) => 0.7 ** i],
  ["of noise, which no iteration separates", (i) => 1 - i / 400],
  ["of equal values around the rank", (i) => (i < 40 ? 1 : 0.5)],
];

test.each(spectra)("a rank is cut off as torch.linalg.svd does: a spectrum %s", (_, value) => {
  torch.scope(() => {
    for (const [m, n] of [
      [300, 240],
      [240, 300],
    ] as const) {
      const matrix = matrixOf(m, n, value);
      const energies = exactEnergies(matrix);
      const truncated = truncateMatrix(matrix, { rank: 8 });
      if (truncated === undefined) throw new Error("the matrix is not 0");
      const rank = Math.min(8, energies.filter((energy) => energy > 1e-14 * elementAt(energies, 0)).length);
      expect(truncated).toMatchObject({ rank, up: { shape: [m, rank], dtype: "float32" } });
      expect(truncated.down.shape).toEqual([rank, n]);
      const whole = sum(energies);
      expect(Math.abs(truncated.whole / whole - 1)).toBeLessThan(tolerance);
      expect(Math.abs(truncated.kept - sum(energies.slice(0, rank))) / whole).toBeLessThan(tolerance);
      const least = sum(energies.slice(rank));
      expect((squaredError(matrix, truncated) - least) / whole).toBeLessThan(tolerance);
    }
  });
});

test.each([0.3, 0.9, 0.999, 1])("the least rank that keeps %s of the energy", (energy) => {
  torch.scope(() => {
    for (const [, value] of spectra) {
      const matrix = matrixOf(240, 200, value);
      const energies = exactEnergies(matrix);
      const truncated = truncateMatrix(matrix, { energy });
      if (truncated === undefined) throw new Error("the matrix is not 0");
      const significant = energies.filter((each) => each > 1e-14 * elementAt(energies, 0)).length;
      const { rank, kept, whole } = truncated;
      if (rank < significant) expect(kept / whole).toBeGreaterThanOrEqual(energy);
      const keptBy = (columns: number) => sum(energies.slice(0, columns)) / sum(energies);
      expect(rank).toBeLessThanOrEqual(significant);
      expect(keptBy(rank - 1)).toBeLessThan(energy + tolerance);
    }
  });
});

test("equal values of both factors' columns, and nothing of a matrix of 0", () => {
  torch.scope(() => {
    const { up, down } =
      truncateMatrix(
        matrixOf(300, 240, (i) => 0.7 ** i),
        { rank: 4 },
      ) ?? {};
    if (up === undefined || down === undefined) throw new Error("the matrix is not 0");
    const lengths = (x: torch.Tensor, dim: number) => [
      ...torch.linalgVectorNorm(x, { dim: [dim] }).toFloats(),
    ];
    const [ups, downs] = [lengths(up, 0), lengths(down, 1)];
    for (let i = 0; i < 4; i++) {
      expect(elementAt(ups, i)).toBeCloseTo(Math.sqrt(0.7 ** i), 5);
      expect(elementAt(downs, i)).toBeCloseTo(Math.sqrt(0.7 ** i), 5);
    }
    expect(
      truncateMatrix(torch.zeros([5, 4], { dtype: "float64", device: "cpu" }), { rank: 2 }),
    ).toBeUndefined();
  });
});
