import { noGrad } from "../../torch/index.ts";
import { elementAt, zip } from "../../util/elements.ts";
import type { Distances, GradientSize, LayerScalingPreview } from "../core/adapter-set.ts";
import { chooseFactors, type EventBank, type EventOptions, type LayerOutcome } from "./event.ts";
import { layerGrams } from "./grams.ts";
import { columnSystem, type LayerGrams } from "./solve/column-system.ts";
import { type Branch, type SolvePolicy, solveFactors } from "./solve/policies.ts";
import { multiply } from "./solve/symmetric.ts";

/** A layer at a scaling event, with what the event does: its factors are those that it applies. */
export interface LayerEventPreview extends LayerScalingPreview {
  readonly branch: Branch;
  readonly branches: Readonly<Record<SolvePolicy, Branch>>;
  readonly outcome: LayerOutcome;
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
    const { path } = elementAt(bank.layers, index);
    const outcome = { path, ...chooseFactors(layer, bank.shape.scale, options) };
    const branchOf = (policy: SolvePolicy) => solveFactors(layer, outcome.rho, policy).branch;
    return {
      path,
      outcome,
      branch: outcome.branch,
      factors: { alpha: outcome.alpha, beta: outcome.beta },
      branches: { default: branchOf("default"), paper: branchOf("paper"), scalar: branchOf("scalar") },
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
    chosen: at((i) => elementAt(factors, i)),
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
  const w = Float64Array.from(zip(v, b), ([value, norm]) => value * norm);
  const slopes = zip(b, multiply(C, w)).map(([norm, product]) => 2 * norm - product);
  const gain = zip(w, slopes).reduce((sum, [value, slope]) => sum + value * slope, 0);
  return Math.sqrt(Math.max(0, 1 - (largestSquare(grams) * gain) / energy));
}

/** The square of the norm that `columnSystem` divides its right side by. */
function largestSquare({ rank, kk, hh }: LayerGrams): number {
  const diagonal = (gram: Float64Array) => gram.filter((_, at) => at % (rank + 1) === 0);
  return Math.max(...diagonal(kk), ...diagonal(hh));
}
