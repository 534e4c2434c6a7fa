import { distance } from "fastest-levenshtein";

const normalise = (text: string) => text.toLowerCase().replaceAll(/[-_.\s]/g, "");

/** The candidate nearest to `word` (case, `-` and `_` do not count), or undefined when none is near. */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = normalise(word);
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(wanted.length / 2)) + 1;
  for (const candidate of candidates) {
    const candidateDistance = distance(wanted, normalise(candidate));
    if (candidateDistance < bestDistance) [best, bestDistance] = [candidate, candidateDistance];
  }
  return best;
}
