import { elementAt } from "../../util/elements.ts";
import type { EventReport, StepContext } from "../core/adapter-set.ts";
import type { BankShape } from "../core/bank.ts";
import { truncationReport } from "../core/frozen-delta-base.ts";
import { effectiveStep, impliedLipschitz, turnover } from "./column-norm.ts";
import type { LayerOutcome } from "./event.ts";

interface BankOutcome {
  readonly shape: BankShape;
  readonly outcomes: readonly LayerOutcome[];
}

/**
 * What an event did, over all layers: branches counted, quantiles of the factors, the column norm ρ aimed at with the L that
 * it implies, and the two numbers that explain a run: the effective step u and the turnover τ (docs/scalora.md).
 */
export function eventReport(banks: readonly BankOutcome[], { lr, peakLr }: StepContext): EventReport {
  const layers = banks.flatMap(({ shape, outcomes }) => outcomes.map((outcome) => ({ ...outcome, shape })));
  const branches: Record<string, number> = {};
  for (const { branch } of layers) branches[branch] = (branches[branch] ?? 0) + 1;
  const cuts = layers.flatMap(({ cut }) => (cut === undefined ? [] : [cut]));
  const mean = (value: (layer: (typeof layers)[number]) => number) =>
    layers.reduce((total, layer) => total + value(layer), 0) / layers.length;
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
    ...truncationReport(cuts),
  };
}

/** Minimum, median and maximum. */
function quantiles(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return [elementAt(sorted, 0), elementAt(sorted, sorted.length >> 1), elementAt(sorted, sorted.length - 1)];
}
