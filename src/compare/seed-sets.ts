import { ScaloraError } from "../util/errors.ts";
import type { Setting } from "./method-settings.ts";
import type { SeedSets } from "./trials.ts";

/** Far from the seeds that people choose, and the same when seeds are added to a comparison. */
const defaultTuningSeed = 1000;

/**
 * The seeds of a comparison: what a sweep chooses on must not count in the results.
 * @param tuningSeeds the default where none are given
 * @param key what names the tuning seeds: an option, or a key of a plan
 * @throws ScaloraError `usage` for a seed in both lists, and for tuning seeds with nothing to tune
 */
export function makeSeedSets(
  seeds: readonly number[],
  tuningSeeds: readonly number[] | undefined,
  settings: readonly Setting[],
  key = "--tuning-seeds",
): SeedSets {
  if (!settings.some(({ candidates }) => candidates.length > 1)) {
    if (tuningSeeds === undefined) return { seeds, tuningSeeds: [] };
    throw new ScaloraError("usage", "There is no sweep that tuning seeds could be for", {
      where: key,
      found: "one candidate for each setting",
      fix: "remove it, or name several rates",
    });
  }
  const tuning = tuningSeeds ?? [defaultTuningSeed];
  const both = tuning.filter((seed) => seeds.includes(seed));
  if (both.length === 0) return { seeds, tuningSeeds: tuning };
  throw new ScaloraError("usage", "A seed on which rates are chosen cannot count in the results as well", {
    where: key,
    expected: `seeds other than ${seeds.join(", ")}`,
    found: both.join(", "),
    fix: `the best of several results is too good by chance: choose others for ${key}`,
  });
}
