import type { z } from "zod";
import type { Module } from "../../nn/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { groupIntoBanks, type NamedLinear } from "../core/bank.ts";
import { adapterSet, fixedPasses, type LayerAdapters } from "../core/layer-adapters.ts";
import { resolveModulesToSave } from "../core/modules-to-save.ts";
import { findTargets, type Target } from "../core/targets.ts";
import type { moraSchema } from "./options.ts";
import { type MoraType, SquareBank, type SquareShape, squareWidth } from "./square-bank.ts";

/**
 * MoRA (arXiv 2405.12130): a square matrix of as many numbers as a LoRA of rank r has, between two fixed linear maps, so
 * that the change can have rank r̂ > r. The matrices start at 0, so the adapted model starts as the base model whatever the
 * seed.
 */
export function attachMora(model: Module, options: z.output<typeof moraSchema>): LayerAdapters<SquareBank> {
  const { type } = options;
  const modulesToSave = resolveModulesToSave(model, options.modulesToSave);
  const layers = findTargets(model, options, modulesToSave).map((target) => withShape(target, type));
  const banks = groupIntoBanks(
    layers,
    ({ width }) => `w${width}`,
    (name, group) => {
      const [{ m, n, width }] = group;
      return new SquareBank(name, { m, n, width, type }, group);
    },
  );
  return adapterSet({ method: "mora", model, banks, modulesToSave, hooks: fixedPasses });
}

function withShape({ path, linear, rank }: Target, type: MoraType): NamedLinear & SquareShape {
  const [m, n] = linear.weight.shape;
  const limit = Math.min(m, n);
  const width = squareWidth(m, n, rank, type);
  if (width <= limit) return { path, linear, m, n, width, type };
  let highest = rank;
  while (highest > 0 && squareWidth(m, n, highest, type) > limit) highest--;
  throw new ScaloraError("config", `Rank ${rank} makes a square matrix that is wider than the layer`, {
    where: path,
    expected: `a rank of at most ${highest}, for a weight of shape [${m}, ${n}]`,
    found: `a square of ${width}`,
    fix: "lower adapter.rank, give the layer its own rank in adapter.rankPattern, or leave it out (adapter.exclude)",
  });
}
