import { Embedding, isClassifier, Linear, type Module } from "../../nn/index.ts";
import { internalError, ScaloraError } from "../../util/errors.ts";
import { isWithinLimits, limitsText } from "../../util/number-limits.ts";
import { MatchTime } from "../../util/timed-regexp.ts";
import type { RankOptions, TargetOptions } from "../options/fields.ts";
import type { NamedLinear } from "./bank.ts";
import { isWithin } from "./modules-to-save.ts";
import { lastPart, matchingPaths, noMatch } from "./path-matcher.ts";

/** A layer to adapt. */
export interface Target extends NamedLinear {
  readonly rank: number;
}

/**
 * The layers that the options name, with their ranks, in the model's order.
 * @param saved modules that are trained whole: their layers get no adapter
 * @throws ScaloraError `config` when a pattern matches no linear layer (candidates are listed, or what it matches is
 * named), or a rank does not fit
 */
export function findTargets(model: Module, options: RankOptions, saved: readonly string[] = []): Target[] {
  const time = new MatchTime();
  const layersOf = layerFinder(model, "adapter.rankPattern", time);
  const ranks = Object.entries(options.rankPattern).map(
    ([pattern, rank]) => [layersOf(pattern), rank] as const,
  );
  return findLayers(model, options, saved, time).map(({ path, linear }) => {
    const rank = ranks.find(([layers]) => layers.has(path))?.[1] ?? options.rank;
    return { path, linear, rank: checkRank(rank, path, linear) };
  });
}

/**
 * The layers that the options name, in the model's order.
 * @param time for the regular expressions of the options
 * @throws ScaloraError `config` as `findTargets`
 */
export function findLayers(
  model: Module,
  options: TargetOptions,
  saved: readonly string[] = [],
  time = new MatchTime(),
): NamedLinear[] {
  const linears = [...linearLayers(model)];
  const wanted = wantedBy(options.targetModules, model, time);
  const excluded = options.exclude.map(layerFinder(model, "adapter.exclude", time));
  const layers = linears
    .filter(([path]) => wanted(path) && !isWithin(path, saved) && !excluded.some((paths) => paths.has(path)))
    .map(([path, linear]) => ({ path, linear }));
  if (layers.length > 0) return layers;
  throw new ScaloraError("config", "No linear layer is left to adapt", {
    where: "adapter.targetModules, adapter.exclude",
    fix: "exclude fewer modules",
  });
}

/** Every linear layer of a model, with its path. */
export function* linearLayers(model: Module): Generator<[string, Linear]> {
  for (const [path, module] of model.namedModules()) if (module instanceof Linear) yield [path, module];
}

/** The linear layer at a path. @throws ScaloraError `internal` when there is none */
export function linearAt(model: Module, path: string): Linear {
  for (const [name, linear] of linearLayers(model)) if (name === path) return linear;
  throw internalError(`the model has no linear layer ${path}`);
}

function wantedBy(
  targetModules: TargetOptions["targetModules"],
  model: Module,
  time: MatchTime,
): (path: string) => boolean {
  const head = isClassifier(model) ? model.info.headModules : ["lm_head"];
  if (targetModules === "all-linear") return (path) => !isWithin(path, head);
  if (!Array.isArray(targetModules) || targetModules.length === 0)
    throw new ScaloraError("config", "targetModules names no modules", {
      where: "adapter.targetModules",
      expected: 'a list of names and /regular expressions/, or "all-linear"',
      found: JSON.stringify(targetModules),
    });
  const found = targetModules.map(layerFinder(model, "adapter.targetModules", time));
  return (path) => found.some((paths) => paths.has(path));
}

/**
 * Finds the paths of a model's linear layers that a pattern of an option matches.
 * @throws ScaloraError `config` for a pattern that no linear layer matches
 */
function layerFinder(model: Module, where: string, time: MatchTime) {
  const linears = [...linearLayers(model)].map(([path]) => path);
  return (pattern: string): ReadonlySet<string> => {
    const matches = matchingPaths(pattern, where, linears, time);
    if (matches.size > 0) return matches;
    const modules = new Map([...model.namedModules()].filter(([path]) => path !== ""));
    const others = matchingPaths(pattern, where, [...modules.keys()], time);
    const other = [...modules].find(([path]) => others.has(path));
    throw other
      ? noLinearLayer(pattern, other, where, linears)
      : noMatch(pattern, where, linears, "linear layer");
  };
}

/** The error for a pattern that matches a module other than a linear layer; only linear layers have adapters. */
function noLinearLayer(
  pattern: string,
  [path, module]: [string, Module],
  where: string,
  linears: string[],
): ScaloraError {
  const within = linears.find((linear) => isWithin(linear, [path]));
  const kind = module instanceof Embedding ? "an embedding" : "a layer of another kind";
  const saved = `; adapter.modulesToSave: [${lastPart(path)}] trains it whole, if it shares no weight with another`;
  return new ScaloraError(
    "config",
    `"${path}" is ${within ? "a block of layers" : kind}, and only linear layers can be adapted`,
    {
      where,
      expected: `names of linear layers, such as ${within ?? linears[0]}`,
      found: pattern,
      fix: within
        ? `match the layers within it: /${path.replaceAll(".", "\\.")}\\./`
        : `leave it out${where === "adapter.targetModules" ? saved : ": it has no adapter anyway"}`,
    },
  );
}

const rankLimits = { whole: true, least: 1 };

function checkRank(rank: number, path: string, { weight }: Linear): number {
  const limit = Math.min(...weight.shape);
  if (!isWithinLimits(rank, rankLimits))
    throw new ScaloraError("config", "A rank is out of range", {
      where: "adapter.rank",
      expected: limitsText(rankLimits),
      found: String(rank),
    });
  if (rank > limit) {
    throw new ScaloraError("config", `Rank ${rank} is above the rank that the layer itself can have`, {
      where: path,
      expected: `at most ${limit}, for a weight of shape [${weight.shape.join(", ")}]`,
      fix: "lower adapter.rank, or give the layer its own rank in adapter.rankPattern",
    });
  }
  return rank;
}
