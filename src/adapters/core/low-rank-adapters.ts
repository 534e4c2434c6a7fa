import type { Module } from "../../nn/index.ts";
import { noGrad, select } from "../../torch/index.ts";
import type { RankOptions } from "../options/fields.ts";
import type { LowRankLayers } from "./adapter-set.ts";
import { type BankShape, groupIntoBanks, type LowRankBank, type NamedLinear } from "./bank.ts";
import { type AdapterParts, findLayer, fixedPasses, type LayerAdapters } from "./layer-adapters.ts";
import { resolveModulesToSave } from "./modules-to-save.ts";
import { findTargets, type Target } from "./targets.ts";

/** A layer to adapt, with the rank and scale of its adapter. */
export type LowRankTarget = NamedLinear & { readonly rank: number; readonly scale: number };

/** The parts of a model that a method trains. */
export interface AdapterPlan<T extends NamedLinear> {
  /** The layers to adapt. */
  readonly targets: readonly T[];
  /** Paths of the modules that are trained whole. */
  readonly modulesToSave: readonly string[];
}

/** `AdapterPlan` for two factors: layers with their ranks and scales. */
export type LowRankPlan = AdapterPlan<LowRankTarget>;

/** A kind of bank of factors. */
export type BankOf<B extends LowRankBank> = new (
  name: string,
  shape: BankShape,
  layers: readonly NamedLinear[],
) => B;

/** The layers that the options name, with their ranks and scales. @throws ScaloraError `config` as `findTargets` */
export function lowRankPlan(
  model: Module,
  options: RankOptions,
  scaleOf: (target: Target) => number = () => 1,
): LowRankPlan {
  const modulesToSave = resolveModulesToSave(model, options.modulesToSave);
  const targets = findTargets(model, options, modulesToSave).map((target) => ({
    ...target,
    scale: scaleOf(target),
  }));
  return { targets, modulesToSave };
}

/** Zero factors for every group of equal layers. */
export function makeBanks<B extends LowRankBank>({ targets }: LowRankPlan, Kind: BankOf<B>): B[] {
  return groupIntoBanks(
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

/** The adapter set of a method made of two factors. */
export type LowRankAdapters<B extends LowRankBank = LowRankBank> = LayerAdapters<B>;

/** What analyses ask of layers that are adapted by two factors. */
function lowRankLayers(banks: readonly LowRankBank[]): LowRankLayers {
  return {
    rank: (path) => findLayer(banks, path).bank.shape.rank,
    factorGradient: (path, gradient) => {
      const { bank, index } = findLayer(banks, path);
      return noGrad(() => bank.gradientOfFactors(index, gradient));
    },
    factors: (path) => {
      const { bank, index } = findLayer(banks, path);
      return { A: select(bank.A, 0, index), B: select(bank.B, 0, index) };
    },
  };
}

/** Parts that the adapter sets of two factors share; a method with hooks of its own puts them in place of these. */
export function lowRankParts<B extends LowRankBank>(
  model: Module,
  { modulesToSave }: LowRankPlan,
  banks: readonly B[],
): Pick<AdapterParts<B>, "model" | "banks" | "modulesToSave" | "lowRank" | "hooks"> {
  return { model, banks, modulesToSave, lowRank: lowRankLayers(banks), hooks: fixedPasses };
}
