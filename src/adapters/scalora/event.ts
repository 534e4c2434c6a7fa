import {
  fromData,
  mul,
  mul_,
  noGrad,
  scope,
  select,
  square,
  type Tensor,
  toDType,
  zero_,
} from "../../torch/index.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { Moments } from "../core/adapter-set.ts";
import type { LowRankBank } from "../core/bank.ts";
import type { BaseStore } from "../core/base-store.ts";
import {
  type ColumnNormRule,
  columnNormOf,
  type EventTiming,
  isOwnNorm,
  keepNorm,
  keptNormFraction,
} from "./column-norm.ts";
import { type CheckedGrams, gradientMismatch, layerGrams } from "./grams.ts";
import type { LayerGrams } from "./solve/column-system.ts";
import { numberAt } from "./solve/number-at.ts";
import { type ScalingFactors, type SolvePolicy, solveFactors, unitFactors } from "./solve/policies.ts";

/** Moments of a bank's two stacks, as the optimiser holds them. */
export interface BankMoments {
  readonly A: Moments;
  readonly B: Moments;
}

/** How an event changes the optimiser's moments: by the chain rule (`transfer`), not at all, or back to zero where it changed the layer. */
export type MomentRule = "transfer" | "keep" | "reset";

export interface EventOptions extends EventTiming {
  readonly policy: SolvePolicy;
  readonly moments: MomentRule;
  readonly scale: ColumnNormRule;
  /** Apply a layer's factors only when one of them is beyond this ratio, either way; 1 applies all. */
  readonly threshold: number;
}

/** What an event did to one layer. */
export interface LayerOutcome extends ScalingFactors {
  readonly path: string;
  /** ρ: the column norm aimed at. */
  readonly rho: number;
  readonly normsA: Float64Array;
  readonly normsB: Float64Array;
  /** Share of the merged energy that the base truncated; only of bases that truncate. */
  readonly cut?: number | undefined;
}

/** A bank as an event sees it. */
export type EventBank = Pick<LowRankBank, "A" | "B" | "gradA" | "gradB" | "shape" | "layers">;

/** Tolerated relative difference of AᵀgA and gBᵀB, by compute dtype: 40 times what rounding causes. */
const mismatchTolerance = { float32: 1e-6, bfloat16: 4e-3 };

/**
 * One scaling event on all layers of a bank, after backward and before clipping: choose α, β; let the base absorb
 * s·A·diag(1 − α∘β)·Bᵀ, so that no effective weight changes; scale the factors, and their gradients and moments by the chain
 * rule, crossed: those of A by β, those of B by α (docs/scalora.md).
 * @throws ScaloraError `run` when the gradients are not those of these factors; nothing is merged then
 */
export function scalingEvent(
  bank: EventBank,
  base: BaseStore,
  moments: BankMoments | undefined,
  options: EventOptions,
): LayerOutcome[] {
  const grams = layerGrams(bank, bank.shape.scale);
  const tolerance =
    elementAt(bank.layers, 0).linear.weight.dtype === "bfloat16"
      ? mismatchTolerance.bfloat16
      : mismatchTolerance.float32;
  const outcomes = grams.map((layer, index) => {
    checkGradients(layer, elementAt(bank.layers, index).path, tolerance);
    return { path: elementAt(bank.layers, index).path, ...chooseFactors(layer, bank.shape.scale, options) };
  });
  if (!outcomes.some(changes)) return outcomes;
  const cuts = noGrad(() => scope(() => apply(bank, base, moments, outcomes, options.moments)));
  return outcomes.map((outcome, index) => ({ ...outcome, cut: cuts?.[index] }));
}

const changes = ({ alpha, beta }: ScalingFactors) => alpha.some((f) => f !== 1) || beta.some((f) => f !== 1);

function checkGradients(grams: CheckedGrams, path: string, tolerance: number): void {
  const mismatch = gradientMismatch(grams);
  if (mismatch <= tolerance) return;
  throw new ScaloraError(
    "run",
    "A scaling event met gradients that are not those of its adapter; nothing was merged",
    {
      where: path,
      expected: `‖Aᵀ·gA − gBᵀ·B‖ at most ${tolerance} of ‖A‖‖gA‖ + ‖B‖‖gB‖`,
      found: mismatch.toExponential(2),
      fix: "this is a bug unless something else changed A, B or their gradients between backward and the event",
    },
  );
}

/** The factors that an event applies to a layer, with the column norm that they aim at. */
export function chooseFactors(
  grams: LayerGrams,
  s: number,
  { scale, policy, threshold, ...pace }: EventOptions,
): Omit<LayerOutcome, "path"> {
  const { normsA, normsB } = grams;
  const rho = columnNormOf(scale, s, pace, grams);
  const solved = solveFactors(grams, rho, policy);
  const factors = isOwnNorm(scale) ? keepNorm(solved, grams, keptNormFraction(scale, pace)) : solved;
  const limit = Math.log(threshold);
  const far = [...factors.alpha, ...factors.beta].some((factor) => Math.abs(Math.log(factor)) > limit);
  const applied = threshold === 1 || far ? factors : unitFactors(grams.rank, "skip_small");
  return { ...applied, rho, normsA, normsB };
}

function apply(
  bank: EventBank,
  base: BaseStore,
  moments: BankMoments | undefined,
  outcomes: readonly ScalingFactors[],
  rule: MomentRule,
): readonly number[] | undefined {
  const { alpha, beta, absorbed } = onDevice(bank, outcomes);
  const cuts = base.merge(mul(bank.A, absorbed), bank.B);
  mul_(bank.A, alpha);
  mul_(bank.B, beta);
  mul_(bank.gradA, beta);
  mul_(bank.gradB, alpha);
  if (!moments || rule === "keep") return cuts;
  for (const [moment, factor] of [
    [moments.A, beta],
    [moments.B, alpha],
  ] as const) {
    if (rule === "reset") resetMoments(moment, outcomes.map(changes));
    else transferMoments(moment, factor);
  }
  return cuts;
}

/** First moments follow the gradient, second moments its square. */
function transferMoments({ expAvg, expAvgSq }: Moments, factor: Tensor): void {
  mul_(expAvg, factor);
  if (expAvgSq) mul_(expAvgSq, square(factor));
}

/** Moments and the count of steps behind their bias correction start anew, in the layers that an event has changed. */
export function resetMoments(moments: Moments, changed: readonly boolean[]): void {
  const { expAvg, expAvgSq, steps } = moments;
  if (changed.every(Boolean)) {
    for (const tensor of [expAvg, expAvgSq, steps]) if (tensor) zero_(tensor);
    return;
  }
  changed.forEach((isChanged, index) => {
    if (!isChanged) return;
    for (const stack of [expAvg, expAvgSq, moments.stepsBySlice?.()])
      if (stack) zero_(select(stack, 0, index));
  });
}

/** α, β and s(1 − α∘β) as `[L, 1, r]` of the bank's dtype: one copy to the device. */
function onDevice({ A, shape: { scale, rank } }: EventBank, outcomes: readonly ScalingFactors[]) {
  const dtype = A.dtype;
  // Rounded first, so that the base absorbs the difference that the rounded factors make.
  const round = dtype === "float64" ? (x: number) => x : Math.fround;
  const size = outcomes.length * rank;
  const values = new Float64Array(3 * size);
  outcomes.forEach(({ alpha, beta }, layer) => {
    for (let i = 0; i < rank; i++) {
      const at = layer * rank + i;
      const roundAlpha = round(numberAt(alpha, i));
      const roundBeta = round(numberAt(beta, i));
      values[at] = roundAlpha;
      values[size + at] = roundBeta;
      values[2 * size + at] = scale * (1 - roundAlpha * roundBeta);
    }
  });
  const placed = toDType(fromData(values, [3, outcomes.length, 1, rank], { device: A.device }), dtype);
  const [alpha, beta, absorbed] = mapTuple([0, 1, 2], (row) => select(placed, 0, row));
  return { alpha, beta, absorbed };
}
