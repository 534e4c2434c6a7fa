import { elementAt, mapTuple } from "../util/elements.ts";

/** Minimum, lower quartile, median, upper quartile and maximum. */
export type Quantiles = [number, number, number, number, number];

/** The five numbers, interpolated between neighbours. */
export function quantilesOf(values: ArrayLike<number>): Quantiles {
  const sorted = Array.from(values).sort((a, b) => a - b);
  return mapTuple([0, 0.25, 0.5, 0.75, 1], (share) => {
    const at = share * (sorted.length - 1);
    const low = Math.floor(at);
    const [below, above] = [elementAt(sorted, low), sorted[low + 1]];
    return above === undefined ? below : below + (at - low) * (above - below);
  });
}
