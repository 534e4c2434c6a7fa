import { elementAt } from "../../util/elements.ts";
import type { LayerGrams } from "./solve/column-system.ts";
import type { ScalingFactors } from "./solve/policies.ts";

/**
 * The column norm of the optimum. The paper sweeps the smoothness constant L; here the norm may be given by L (`lipschitz`),
 * directly (`columnNorm`), or be each layer's own: kept as it is (`preserve`), or decaying over so many steps (`horizon`).
 */
export type ColumnNormRule = OwnNorm | { readonly columnNorm: number } | { readonly lipschitz: number };

/** Rules that start from the present norm of each layer. */
type OwnNorm = "preserve" | { readonly horizon: number };

/** Where a run is at an event. */
export interface EventTiming {
  /** η: the peak learning rate, for a scheduled one would send ρ to infinity as it decays. */
  readonly peakLr: number;
  /** Steps since the last event, each counted by its learning rate over the peak one. */
  readonly elapsed: number;
}

export const isOwnNorm = (scale: ColumnNormRule): scale is OwnNorm =>
  scale === "preserve" || "horizon" in scale;

/** The share of its norm that a layer keeps at an event: 1, or what is left of 1 by decay with a time constant of H steps. */
export function keptNormFraction(scale: OwnNorm, { elapsed }: EventTiming): number {
  return scale === "preserve" ? 1 : Math.exp(-elapsed / scale.horizon);
}

/**
 * ρ of one layer.
 * @param s scale of the adapter, alpha / rank
 */
export function columnNormOf(
  scale: ColumnNormRule,
  s: number,
  pace: EventTiming,
  { normsA, normsB, rank }: NormsOf,
): number {
  if (isOwnNorm(scale))
    return (keptNormFraction(scale, pace) * Math.hypot(...normsA, ...normsB)) / Math.sqrt(2 * rank);
  return "columnNorm" in scale ? scale.columnNorm : 1 / (s * Math.sqrt(scale.lipschitz * pace.peakLr));
}

type NormsOf = Pick<LayerGrams, "normsA" | "normsB" | "rank">;

/** The L that corresponds to a column norm: L = 1/(η s² ρ²). */
export function impliedLipschitz(rho: number, s: number, peakLr: number): number {
  return 1 / (peakLr * (s * rho) ** 2);
}

/**
 * The factors times one common factor on the columns that change, so that √(‖Ã‖² + ‖B̃‖²) of these is exactly `share` of
 * what it was: beyond that an event only moves norm between columns and factors.
 */
export function keepNorm(
  factors: ScalingFactors,
  { normsA, normsB }: NormsOf,
  share: number,
): ScalingFactors {
  let [before, after] = [0, 0];
  const visit = (norm: number, factor: number) => {
    if (factor === 1) return;
    before += norm ** 2;
    after += (norm * factor) ** 2;
  };
  normsA.forEach((norm, i) => {
    visit(norm, elementAt(factors.alpha, i));
  });
  normsB.forEach((norm, i) => {
    visit(norm, elementAt(factors.beta, i));
  });
  if (after === 0) return factors;
  const common = share * Math.sqrt(before / after);
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

/** k: how many Adam steps in one direction a column of norm ρ is long, ρ / (lr √((m + n)/2)): 1 over the turnover of a square layer. */
export function columnSteps(lr: number, rho: number, m: number, n: number): number {
  return rho / (lr * Math.sqrt((m + n) / 2));
}
