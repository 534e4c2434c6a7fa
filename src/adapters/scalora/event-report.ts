import { elementAt } from "../../util/elements.ts";
import type { EventReport, StepContext } from "../core/adapter-set.ts";
import type { BankShape } from "../core/bank.ts";
import { truncationReport } from "../core/frozen-delta-base.ts";
import { columnSteps, effectiveStep, impliedLipschitz, turnover } from "./column-norm.ts";
import type { LayerOutcome } from "./event.ts";
import { type LayerNorms, type NormGrowth, normGrowth } from "./norm-growth.ts";

interface BankOutcome {
  readonly shape: BankShape;
  readonly outcomes: readonly LayerOutcome[];
}

/** The last event, from which growth is measured. */
export interface LastEvent {
  /** Empty before the first event, and after resuming a checkpoint of a version that did not keep them. */
  readonly norms: LayerNorms;
  /** Steps since then. */
  readonly steps: number;
}

/**
 * What an event did, over all layers: branches counted, quantiles of the factors, the column norm ρ aimed at with the L that
 * it implies, and the numbers that explain a run: the effective step u, the turnover τ, the column length k, the growth ν of
 * the norm and its ratio E to noise (docs/scalora.md).
 */
export function eventReport(
  banks: readonly BankOutcome[],
  { lr, peakLr }: Pick<StepContext, "lr" | "peakLr">,
  last: LastEvent,
): EventReport {
  const layers = banks.flatMap(({ shape, outcomes }) => outcomes.map((outcome) => ({ ...outcome, shape })));
  const branches: Record<string, number> = {};
  for (const { branch } of layers) branches[branch] = (branches[branch] ?? 0) + 1;
  const cuts = layers.flatMap(({ cut }) => (cut === undefined ? [] : [cut]));
  const mean = (value: (layer: (typeof layers)[number]) => number) => meanOf(layers.map(value));
  return {
    kind: "scaling",
    branches,
    alpha: quantiles(layers.flatMap(({ alpha }) => [...alpha])),
    beta: quantiles(layers.flatMap(({ beta }) => [...beta])),
    rho: mean(({ rho }) => rho),
    lipschitz: mean(({ rho, shape }) => impliedLipschitz(rho, shape.scale, peakLr)),
    effectiveStep: mean(({ rho, shape: { scale, rank, m, n } }) => effectiveStep(scale, lr, rho, rank, m, n)),
    turnoverA: mean(({ rho, shape: { m } }) => turnover(lr, rho, m)),
    turnoverB: mean(({ rho, shape: { n } }) => turnover(lr, rho, n)),
    columnSteps: mean(({ rho, shape: { m, n } }) => columnSteps(lr, rho, m, n)),
    ...growthReport(
      layers.flatMap((layer) => {
        const left = last.norms.get(layer.path) ?? 0;
        return left > 0 ? [normGrowth(left, layer, layer.shape, { steps: last.steps, lr })] : [];
      }),
    ),
    ...truncationReport(cuts),
  };
}

/** Nothing of an event before which there is none. */
function growthReport(growths: readonly NormGrowth[]): Pick<EventReport, "normGrowth" | "growthOverNoise"> {
  if (growths.length === 0) return {};
  return {
    normGrowth: meanOf(growths.map(({ relative }) => relative)),
    growthOverNoise: meanOf(growths.map(({ overNoise }) => overNoise)),
  };
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Minimum, median and maximum. */
function quantiles(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return [elementAt(sorted, 0), elementAt(sorted, sorted.length >> 1), elementAt(sorted, sorted.length - 1)];
}
