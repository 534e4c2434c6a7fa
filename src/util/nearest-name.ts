import { distance } from "fastest-levenshtein";

/** A name without what does not count in comparisons: case, `-`, `_`, `.` and spaces. */
export const normaliseName = (text: string) => text.toLowerCase().replaceAll(/[-_.\s]/g, "");

/** Characters of a misspelt name; the time to compare grows with the length. */
const maxLength = 200;

/** The candidate nearest to `word` (case, `-` and `_` do not count), or undefined when none is near. */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  return nameFinder(candidates)(word);
}

/** `nearestName` for many words. */
export function nameFinder(candidates: Iterable<string>): (word: string) => string | undefined {
  const names = [...candidates].map((name) => ({ name, normalised: normaliseName(name) }));
  return (word) => {
    if (word.length > maxLength) return undefined;
    const wanted = normaliseName(word);
    let best: string | undefined;
    let bestDistance = Math.max(2, Math.floor(wanted.length / 2)) + 1;
    for (const { name, normalised } of names) {
      if (Math.abs(wanted.length - normalised.length) >= bestDistance) continue;
      const nameDistance = distance(wanted, normalised);
      if (nameDistance < bestDistance) [best, bestDistance] = [name, nameDistance];
    }
    return best;
  };
}
