import { elementAt } from "../util/elements.ts";

/** Singular values above this fraction of the largest count towards the rank. */
export const rankThreshold = 1e-2;

/**
 * Rank and entropy rank of a matrix from its singular values in descending order; 0 for a zero matrix.
 * @param energy ‖·‖²_F when `singularValues` are only the leading ones: the rest is counted as values equal to the last one
 */
export function ranksFromSingularValues(
  singularValues: ArrayLike<number>,
  energy?: number,
): { rank: number; entropyRank: number } {
  const values = Array.from(singularValues);
  const energies = values.map((value) => value * value);
  const known = energies.reduce((total, energy) => total + energy, 0);
  if (known === 0) return { rank: 0, entropyRank: 0 };
  const threshold = rankThreshold * elementAt(values, 0);
  const whole = Math.max(known, energy ?? 0);
  const rest = (whole - known) / whole;
  const last = Math.max((energies.at(-1) ?? 0) / whole, Number.MIN_VALUE);
  const shares = energies.map((energy) => energy / whole).filter((share) => share > 0);
  const entropy = shares.reduce((total, share) => total - share * Math.log(share), -rest * Math.log(last));
  return {
    rank: values.filter((value) => value > threshold).length,
    entropyRank: Math.exp(entropy),
  };
}
