import { type ColumnSystem, columnSystem, type LayerGrams } from "./column-system.ts";
import { nonNegativeMinimiser } from "./nnls.ts";
import { numberAt } from "./number-at.ts";
import { shifted, smallestEigenvalue, solveDefinite, submatrix } from "./symmetric.ts";

/** How an event's factors came about, or why the layer was left alone. */
export type Branch =
  | "column"
  | "nnls"
  | "scalar"
  | "oracle"
  | "skip_zero_factor"
  | "skip_zero_grad"
  | "skip_boundary"
  | "skip_low_rank"
  | "skip_small";

export type SolvePolicy = "default" | "paper" | "scalar";

/** Factors of one layer's columns; all ones when the branch is a skip. */
export interface ScalingFactors {
  readonly branch: Branch;
  readonly alpha: Float64Array;
  readonly beta: Float64Array;
}

/** Ridge of the default policy: near-parallel columns share their weight instead of cancelling. */
const ridge = 1e-3;
/** Norms that the default policy may aim at, as shares of ρ. */
const [floor, ceiling] = [0.1, 3];
/** The most that one event of the default policy changes a column's norm. */
const largestRatio = 10;
/** Columns whose gradient, relative to the largest, is below this are left unchanged. */
const negligible = 1e-7;
/** A unit-diagonal Gram with a smaller eigenvalue is singular: its minimiser is not unique. */
const singular = 1e-12;

/**
 * The scaling factors of one layer for columns that aim at the norm `rho` (= 1/(s√(Lη))).
 * - `default`: ridge-regularised column scaling, non-negative, with norms and changes clamped (docs/scalora.md);
 * - `paper`: Theorem 3.7 solved exactly; where a weight is negative or the system singular, Theorem 3.5;
 * - `scalar`: Theorem 3.5 always.
 */
export function solveFactors(grams: LayerGrams, rho: number, policy: SolvePolicy): ScalingFactors {
  if (isZero(grams.normsA) || isZero(grams.normsB)) return unitFactors(grams.rank, "skip_zero_factor");
  const system = columnSystem(grams);
  if (!system) return unitFactors(grams.rank, "skip_zero_grad");
  if (policy === "default") return ridgeColumns(grams, system, rho);
  return (policy === "paper" ? exactColumns(grams, system, rho) : undefined) ?? scalar(grams, rho);
}

export function unitFactors(rank: number, branch: Branch): ScalingFactors {
  return { branch, alpha: new Float64Array(rank).fill(1), beta: new Float64Array(rank).fill(1) };
}

const isZero = (values: Float64Array) => values.every((value) => value === 0);

/** Norms of all 2r columns, A's first. */
const norms = ({ normsA, normsB }: LayerGrams) => Float64Array.from([...normsA, ...normsB]);

function splitFactors(branch: Branch, rank: number, factors: Float64Array): ScalingFactors {
  return { branch, alpha: factors.slice(0, rank), beta: factors.slice(rank) };
}

/** Policy `default`; the order of the steps is part of the definition. */
function ridgeColumns(grams: LayerGrams, { b, C }: ColumnSystem, rho: number): ScalingFactors {
  const columnNorms = norms(grams);
  const kept = [...b.keys()].filter((i) => numberAt(columnNorms, i) > 0 && numberAt(b, i) > negligible);
  const matrix = shifted(submatrix(C, kept), ridge);
  const right = Float64Array.from(kept, (i) => (1 + ridge) * numberAt(b, i));
  const exact = solveDefinite(matrix, right);
  const isColumn = exact?.every((w) => w >= 0) ?? false;
  const w = exact && isColumn ? exact : nonNegativeMinimiser(matrix, right);
  const factors = new Float64Array(2 * grams.rank).fill(1);
  kept.forEach((i, k) => {
    const target = rho * clamp(Math.sqrt(numberAt(w, k) / numberAt(b, i)), floor, ceiling);
    factors[i] = clamp(target / numberAt(columnNorms, i), 1 / largestRatio, largestRatio);
  });
  return splitFactors(isColumn ? "column" : "nnls", grams.rank, factors);
}

/** Theorem 3.7 without regularisation; undefined where it does not apply. */
function exactColumns(grams: LayerGrams, { b, C }: ColumnSystem, rho: number): ScalingFactors | undefined {
  if (smallestEigenvalue(C) <= singular) return undefined;
  const w = solveDefinite(C, b);
  if (!w?.every((value) => value >= 0)) return undefined;
  const columnNorms = norms(grams);
  const factors = w.map((value, i) => (rho * Math.sqrt(value / numberAt(b, i))) / numberAt(columnNorms, i));
  return splitFactors("column", grams.rank, factors);
}

/** Theorem 3.5: one factor for A and one for B; skipped where the optimum would erase a factor. */
function scalar(grams: LayerGrams, rho: number): ScalingFactors {
  const { rank, aa, bb, kk, hh, ah } = grams;
  const normA = Math.hypot(...grams.normsA);
  const normB = Math.hypot(...grams.normsB);
  let [p, q, c, tracesK, tracesH] = [0, 0, 0, 0, 0];
  for (let i = 0; i < rank; i++) {
    const [ai, bi] = [numberAt(grams.normsA, i) / normA, numberAt(grams.normsB, i) / normB];
    tracesK += ai ** 2 * numberAt(kk, i * rank + i);
    tracesH += bi ** 2 * numberAt(hh, i * rank + i);
    for (let j = 0; j < rank; j++) {
      const at = i * rank + j;
      const [aj, bj] = [numberAt(grams.normsA, j) / normA, numberAt(grams.normsB, j) / normB];
      p += (ai * aj) ** 2 * numberAt(aa, at) * numberAt(kk, at);
      q += (bi * bj) ** 2 * numberAt(bb, at) * numberAt(hh, at);
      c += (ai * bj * numberAt(ah, at)) ** 2;
    }
  }
  const [forA, forB] = solvePair(p, q, c, tracesK, tracesH);
  if (!(forA > 0 && forB > 0)) return unitFactors(rank, "skip_boundary");
  return {
    branch: "scalar",
    alpha: new Float64Array(rank).fill((rho * Math.sqrt(forA)) / normA),
    beta: new Float64Array(rank).fill((rho * Math.sqrt(forB)) / normB),
  };
}

/** Solves [[p, c], [c, q]] x = [d, e]; the shortest solution (in unit-diagonal terms) where it is singular. */
function solvePair(p: number, q: number, c: number, d: number, e: number): [number, number] {
  if (!(p > 0 && q > 0)) return [0, 0];
  const cosine = c / Math.sqrt(p * q);
  const [f, g] = [d / Math.sqrt(p), e / Math.sqrt(q)];
  const determinant = 1 - cosine ** 2;
  const [x, y] =
    determinant <= singular
      ? [(f + g) / 4, (f + g) / 4]
      : [(f - cosine * g) / determinant, (g - cosine * f) / determinant];
  return [x / Math.sqrt(p), y / Math.sqrt(q)];
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
