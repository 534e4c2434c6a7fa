import type { Factors } from "./solve/policies.js";
import type { LayerGrams } from "./solve/system.js";

/**
 * The column norm that the optimum aims at. The paper searches over the smoothness constant L; here it may be given as
 * that (`lipschitz`), as the norm itself (`columnNorm`), or be each layer's own (`preserve`).
 */
export type Scale = "preserve" | { readonly columnNorm: number } | { readonly lipschitz: number };

/**
 * ρ of one layer.
 * @param s scale of the adapter, alpha / rank
 * @param peakLr η: the peak learning rate, for a scheduled one would send ρ to infinity as it decays
 */
export function columnNormOf(
  scale: Scale,
  s: number,
  peakLr: number,
  { normsA, normsB, rank }: NormsOf,
): number {
  if (scale === "preserve") return Math.hypot(...normsA, ...normsB) / Math.sqrt(2 * rank);
  return "columnNorm" in scale ? scale.columnNorm : 1 / (s * Math.sqrt(scale.lipschitz * peakLr));
}

type NormsOf = Pick<LayerGrams, "normsA" | "normsB" | "rank">;

/** The L that a column norm stands for: L = 1/(η s² ρ²). */
export function impliedLipschitz(rho: number, s: number, peakLr: number): number {
  return 1 / (peakLr * (s * rho) ** 2);
}

/**
 * The factors times one common factor on the columns that change, so that ‖Ã‖² + ‖B̃‖² is exactly ‖A‖² + ‖B‖²: an event
 * then only moves norm between columns and factors.
 */
export function preserveNorm(factors: Factors, { normsA, normsB }: NormsOf): Factors {
  let [before, after] = [0, 0];
  const visit = (norm: number, factor: number) => {
    if (factor === 1) return;
    before += norm ** 2;
    after += (norm * factor) ** 2;
  };
  normsA.forEach((norm, i) => {
    visit(norm, factors.alpha[i]);
  });
  normsB.forEach((norm, i) => {
    visit(norm, factors.beta[i]);
  });
  if (after === 0) return factors;
  const common = Math.sqrt(before / after);
  const rescale = (values: Float64Array) => values.map((factor) => (factor === 1 ? 1 : factor * common));
  return { branch: factors.branch, alpha: rescale(factors.alpha), beta: rescale(factors.beta) };
}

/** ‖ΔW‖-like size of one step: s · lr · ρ · √(r (1/m + 1/n)), to be compared with a full fine-tuning learning rate. */
export function effectiveStep(
  s: number,
  lr: number,
  rho: number,
  rank: number,
  m: number,
  n: number,
): number {
  return s * lr * rho * Math.sqrt(rank * (1 / m + 1 / n));
}

/** The share of a column that one Adam step replaces: lr √rows / ρ. */
export function turnover(lr: number, rho: number, rows: number): number {
  return (lr * Math.sqrt(rows)) / rho;
}
