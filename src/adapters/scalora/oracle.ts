import type { Linear, LinearAdapter } from "../../nn/index.ts";
import {
  add,
  cat,
  copy_,
  linalgPinv,
  linalgSvd,
  matmul,
  mulScalar,
  noGrad,
  scope,
  select,
  slice,
  square,
  type Tensor,
  toDType,
  transpose,
  zerosLike,
} from "../../torch/index.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import { internalError } from "../../util/errors.ts";
import type { LayerScalingPreview, Moments } from "../core/adapter-set.ts";
import type { LowRankBank } from "../core/bank.ts";
import type { BaseStore } from "../core/base-store.ts";
import { type ColumnNormRule, columnNormOf, type EventTiming } from "./column-norm.ts";
import { type BankMoments, type LayerOutcome, resetMoments } from "./event.ts";
import { unitFactors } from "./solve/policies.ts";

/** With σ_2r below this share of σ_1 the gradient has fewer than 2r directions, and the layer is left alone. */
const smallestShare = 1e-10;

/** Singular values of a factor below this share count as zero. */
const pseudoInverseCut = 1e-12;

export interface OracleOptions extends EventTiming {
  readonly moments: "reset" | "transport";
  readonly scale: ColumnNormRule;
}

/** Before the forward pass of a step with an event: the base weights collect their gradients too. */
export function enableBaseGradients(bank: LowRankBank): void {
  bank.layers.forEach(({ linear }, index) => {
    const weight = linear.plainWeight().setRequiresGrad(true);
    using zero = zerosLike(weight);
    weight.setGrad(zero);
    linear.adapter = composed(bank, index);
  });
}

/** `x Wᵀ + b + s (x B) Aᵀ` through operators that give W its gradient. */
function composed(bank: LowRankBank, index: number): LinearAdapter {
  const { A, B } = elementAt(bank.leaves, index);
  return {
    forward: (x, base) =>
      add(base.forwardBase(x), matmul(matmul(x, B), transpose(A, 0, 1)), { alpha: bank.shape.scale }),
  };
}

/** The gradient G that a watched weight collected; the weight is frozen again. */
function takeGradient(linear: Linear): Tensor {
  const weight = linear.plainWeight();
  const gradient = weight.grad;
  if (!gradient) throw internalError("a watched weight has no gradient");
  weight.setGrad(undefined).setRequiresGrad(false);
  return toDType(gradient, "float64");
}

/**
 * An event of policy `svd`, the optimum of Theorem 3.2, O(S·m·n·r) a layer: of the leading 2r singular triplets of the full
 * gradient, the odd ones make Ã = ρ·U and the even ones B̃ = ρ·V; the base absorbs s(ABᵀ − ÃB̃ᵀ). Needs `enableBaseGradients`
 * before the step's forward pass. For small models, as a yardstick.
 */
export function oracleEvent(
  bank: LowRankBank,
  base: BaseStore,
  moments: BankMoments | undefined,
  options: OracleOptions,
): LayerOutcome[] {
  return noGrad(() =>
    scope(() => {
      const [left, right] = mapTuple([bank.A, bank.B], (stack) => zerosLike(cat([stack, stack], { dim: 2 })));
      const outcomes = bank.layers.map((_, index) => {
        const absorbed = { left: select(left, 0, index), right: select(right, 0, index) };
        return scope(() => replaceFactors(bank, absorbed, moments, index, options));
      });
      if (!outcomes.some(({ branch }) => branch === "oracle")) return outcomes;
      base.merge(left, right);
      if (moments && options.moments === "reset")
        for (const side of [moments.A, moments.B])
          resetMoments(
            side,
            outcomes.map(({ branch }) => branch === "oracle"),
          );
      return outcomes;
    }),
  );
}

/** @param absorbed room for what the base is to absorb: left `[m, 2r]`, right `[n, 2r]` */
function replaceFactors(
  bank: LowRankBank,
  absorbed: { readonly left: Tensor; readonly right: Tensor },
  moments: BankMoments | undefined,
  index: number,
  options: OracleOptions,
): LayerOutcome {
  const { scale, rank } = bank.shape;
  const { path, linear } = elementAt(bank.layers, index);
  linear.adapter = bank.linearAdapter(index);
  const G = takeGradient(linear);
  const [A, B] = mapTuple([bank.A, bank.B], (stack) => toDType(select(stack, 0, index), "float64"));
  const [normsA, normsB] = mapTuple([A, B], columnNorms);
  const rho = columnNormOf(options.scale, scale, options, { normsA, normsB, rank });
  const [U, sigma, Vt] = linalgSvd(G, { fullMatrices: false });
  const sizes = sigma.toFloats();
  if (!(sizes.length >= 2 * rank && elementAt(sizes, 2 * rank - 1) > smallestShare * elementAt(sizes, 0)))
    return { path, rho, normsA, normsB, ...unitFactors(rank, "skip_low_rank") };
  const newA = mulScalar(slice(U, { dim: 1, start: 0, end: 2 * rank, step: 2 }), rho);
  const newB = mulScalar(transpose(slice(Vt, { start: 1, end: 2 * rank, step: 2 }), 0, 1), rho);
  copy_(absorbed.left, cat([mulScalar(A, scale), mulScalar(newA, -scale)], { dim: 1 }));
  copy_(absorbed.right, cat([B, newB], { dim: 1 }));
  if (moments && options.moments === "transport") {
    transport(moments.A, index, matmul(linalgPinv(B, pseudoInverseCut), newB));
    transport(moments.B, index, matmul(linalgPinv(A, pseudoInverseCut), newA));
  }
  const write = (stack: Tensor, value: Tensor) => copy_(select(stack, 0, index), value);
  write(bank.A, newA);
  write(bank.B, newB);
  write(bank.gradA, mulScalar(matmul(G, newB), scale));
  write(bank.gradB, mulScalar(matmul(transpose(G, 0, 1), newA), scale));
  return { path, rho, normsA, normsB, ...unitFactors(rank, "oracle") };
}

/** Turns the preview of a scaling event into that of an event of policy `svd`, which takes the optimum instead. */
export function oraclePreview({ distances, ...scaled }: LayerScalingPreview): LayerScalingPreview {
  return {
    ...scaled,
    branch: "oracle",
    factors: undefined,
    distances: distances && { ...distances, chosen: distances.optimum },
  };
}

function columnNorms(factor: Tensor): Float64Array {
  const columns = factor.size(1);
  const values = factor.toFloats();
  return Float64Array.from({ length: columns }, (_, j) =>
    Math.hypot(...values.filter((_, at) => at % columns === j)),
  );
}

/** First moments follow the linear map of the gradient; second moments the map of independent squares. */
function transport({ expAvg, expAvgSq }: Moments, index: number, map: Tensor): void {
  const move = (stack: Tensor, by: Tensor) => {
    const own = select(stack, 0, index);
    copy_(own, matmul(toDType(own, "float64"), by));
  };
  move(expAvg, map);
  if (expAvgSq) move(expAvgSq, square(map));
}
