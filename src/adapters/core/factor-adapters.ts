import { type BankLayer, type BankShape, type FactorBank, groupLayers } from "./bank.js";
import { LayerAdapters } from "./layer-adapters.js";

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

/** Zero factors for every group of equal layers. */
export function makeBanks<B extends FactorBank>({ targets }: LowRankPlan, Kind: BankOf<B>): B[] {
  return groupLayers(targets).map(({ name, shape, layers }) => new Kind(name, shape, layers));
}

/** The adapters of a method made of two factors. */
export abstract class FactorAdapters<B extends FactorBank = FactorBank> extends LayerAdapters<B> {}
