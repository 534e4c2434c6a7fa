import type { Module } from "../../nn/index.ts";
import { type BankLayer, type BankShape, bankLayers, type FactorBank } from "./bank.ts";
import { LayerAdapters } from "./layer-adapters.ts";
import { savedPaths } from "./saved-modules.ts";
import { findTargets, type Target, type TargetOptions } from "./targets.ts";

/** A layer to adapt, with the rank and scale of its adapter. */
export type ScaledTarget = BankLayer & { readonly rank: number; readonly scale: number };

/** What an adapter is put on. */
export interface AdapterPlan<T extends BankLayer> {
  /** The layers to adapt. */
  readonly targets: readonly T[];
  /** Paths of the modules that are trained whole. */
  readonly saved: readonly string[];
}

/** What an adapter of two factors is put on: layers with their ranks and scales. */
export type LowRankPlan = AdapterPlan<ScaledTarget>;

/** A kind of bank of factors. */
export type BankOf<B extends FactorBank> = new (
  name: string,
  shape: BankShape,
  layers: readonly BankLayer[],
) => B;

/** The layers that the options name, with their ranks and scales. @throws ScaloraError `config` as `findTargets` */
export function lowRankPlan(
  model: Module,
  options: TargetOptions & { readonly modulesToSave?: readonly string[] },
  scaleOf: (target: Target) => number = () => 1,
): LowRankPlan {
  const saved = savedPaths(model, options.modulesToSave);
  const targets = findTargets(model, options, saved).map((target) => ({ ...target, scale: scaleOf(target) }));
  return { targets, saved };
}

/** Zero factors for every group of equal layers. */
export function makeBanks<B extends FactorBank>({ targets }: LowRankPlan, Kind: BankOf<B>): B[] {
  return bankLayers(
    targets,
    ({ rank }) => `r${rank}`,
    (name, layers) => {
      const [{ linear, rank, scale }] = layers;
      const [m, n] = linear.weight.shape;
      return new Kind(name, { m, n, rank, scale }, layers);
    },
    ({ scale }) => scale,
  );
}

/** The adapters of a method made of two factors. */
export abstract class FactorAdapters<B extends FactorBank = FactorBank> extends LayerAdapters<B> {}
