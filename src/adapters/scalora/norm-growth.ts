import type { BankShape } from "../core/bank.ts";
import type { LayerOutcome } from "./event.ts";
import { numberAt } from "./solve/number-at.ts";

/** √(‖A‖² + ‖B‖²) of the layers as their last event left them, by path. */
export type LayerNorms = ReadonlyMap<string, number>;

/** How a layer's norm grew from one event to the next. */
export interface NormGrowth {
  /** ν: growth over the norm that the last event left; 0 for none. */
  readonly relative: number;
  /** E: growth of the squared norm over what a random walk of as many steps would add. */
  readonly overNoise: number;
}

/** Steps since the last event, and the learning rate of the present one. */
export interface StepsSince {
  readonly steps: number;
  readonly lr: number;
}

/**
 * The growth of a layer's norm up to an event. An Adam step moves each of the (m + n)·r numbers of the factors by about lr; were
 * its directions independent from step to step, the squared norm would grow by lr²·(m + n)·r in each.
 * @param left the norm that the last event left, above 0
 * @returns numbers that are not finite at a learning rate of 0
 */
export function normGrowth(
  left: number,
  { normsA, normsB }: Pick<LayerOutcome, "normsA" | "normsB">,
  { m, n, rank }: BankShape,
  { steps, lr }: StepsSince,
): NormGrowth {
  const now = Math.hypot(...normsA, ...normsB);
  return {
    relative: now / left - 1,
    overNoise: (now ** 2 - left ** 2) / (steps * lr ** 2 * (m + n) * rank),
  };
}

/** √(‖Ã‖² + ‖B̃‖²): the norm that an event leaves. */
export function normAfterEvent({ branch, rho, alpha, beta, normsA, normsB }: LayerOutcome): number {
  if (branch === "oracle") return rho * Math.sqrt(2 * alpha.length);
  const scaled = (norms: Float64Array, factors: Float64Array) =>
    norms.map((norm, i) => norm * numberAt(factors, i));
  return Math.hypot(...scaled(normsA, alpha), ...scaled(normsB, beta));
}
