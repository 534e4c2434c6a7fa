import { noGrad } from "../../torch/index.ts";
import { chooseFactors, type EventBank, type EventOptions, type LayerOutcome } from "./event.ts";
import { layerGrams } from "./grams.ts";
import { columnSystem, type LayerGrams } from "./solve/column-system.ts";
import { type Branch, type SolvePolicy, solveFactors } from "./solve/policies.ts";
import { multiply } from "./solve/symmetric.ts";

/** What is known of the full gradient G of a layer. */
export interface GradientSize {
  /** ‖G‖²_F */
  readonly energy: number;
  /** The share of it in the leading 2r singular directions. */
  readonly share: number;
}

/** Distances ‖G/L − η s² (G B̃B̃ᵀ + ÃÃᵀG)‖_F, relative to ‖G/L‖_F: 1 is no step at all. L is what ρ stands for. */
export interface Distances {
  /** With the factors as they are. */
  readonly unscaled: number;
  /** With the factors that the event chooses. */
  readonly chosen: number;
  /** Theorem 3.2's, by Eckart and Young: what no adapter of this rank can be below. */
  readonly optimum: number;
}

/** A layer at a scaling event, as it looks before the event is applied. */
export interface LayerEventPreview {
  readonly path: string;
  /** What the event does; its factors are those that it applies. */
  readonly outcome: LayerOutcome;
  /** The branch that each policy would take. */
  readonly branches: Readonly<Record<SolvePolicy, Branch>>;
  /** Absent where nothing is known of the full gradient, or it is zero. */
  readonly distances: Distances | undefined;
}

/**
 * What an event is about to do to the layers of a bank, what other policies would do, and how near each comes to the step of
 * the full gradient. Changes nothing.
 * @param gradientOf of a layer, by its path
 */
export function examineBank(
  bank: EventBank,
  options: EventOptions,
  gradientOf: (path: string) => GradientSize | undefined,
): LayerEventPreview[] {
  const grams = noGrad(() => layerGrams(bank, bank.shape.scale));
  return grams.map((layer, index) => {
    const { path } = bank.layers[index];
    const outcome = { path, ...chooseFactors(layer, bank.shape.scale, options) };
    const branch = (policy: SolvePolicy) => solveFactors(layer, outcome.rho, policy).branch;
    return {
      path,
      outcome,
      branches: { default: branch("default"), paper: branch("paper"), scalar: branch("scalar") },
      distances: distancesOf(layer, outcome, gradientOf(path)),
    };
  });
}

function distancesOf(
  grams: LayerGrams,
  outcome: LayerOutcome,
  gradient: GradientSize | undefined,
): Distances | undefined {
  if (!gradient || !(gradient.energy > 0)) return undefined;
  const norms = [...grams.normsA, ...grams.normsB];
  const factors = [...outcome.alpha, ...outcome.beta];
  const at = (factorOf: (i: number) => number) =>
    relativeDistance(
      grams,
      gradient.energy,
      Float64Array.from(norms, (norm, i) => ((norm * factorOf(i)) / outcome.rho) ** 2),
    );
  return {
    unscaled: at(() => 1),
    chosen: at((i) => factors[i]),
    optimum: Math.sqrt(Math.max(0, 1 - gradient.share)),
  };
}

/**
 * ‖G − Σ v_i q_i‖_F / ‖G‖_F from the Grams alone (`columnSystem` has the q_i).
 * @param v (norm of column i / ρ)², A's columns first
 */
function relativeDistance(grams: LayerGrams, energy: number, v: Float64Array): number {
  const system = columnSystem(grams);
  if (!system) return 1;
  const { b, C } = system;
  const w = v.map((value, i) => value * b[i]);
  const product = multiply(C, w);
  const gain = w.reduce((sum, value, i) => sum + value * (2 * b[i] - product[i]), 0);
  return Math.sqrt(Math.max(0, 1 - (largestSquare(grams) * gain) / energy));
}

/** The square of the norm that `columnSystem` divides its right side by. */
function largestSquare({ rank, kk, hh }: LayerGrams): number {
  const diagonal = Array.from({ length: rank }, (_, i) => i * (rank + 1));
  return Math.max(...diagonal.flatMap((at) => [kk[at], hh[at]]));
}
