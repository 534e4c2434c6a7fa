import { gatherTexts, type ProcessGroup } from "../torch/index.ts";

/** The errors of all ranks; every rank calls it. */
export async function errorsOfRanks(
  group: ProcessGroup | undefined,
  own: readonly string[],
): Promise<string[]> {
  if (!group) return [...own];
  const texts = await gatherTexts(group, JSON.stringify(own));
  return mergeErrors(texts.map((text): string[] => JSON.parse(text)));
}

/**
 * Errors that several ranks have once, with their numbers unless all have them. The first two lines, which say what is wrong and
 * where, tell one from another: in figures ranks differ.
 */
export function mergeErrors(byRank: readonly (readonly string[])[]): string[] {
  const found = new Map<string, { text: string; ranks: Set<number> }>();
  for (const [rank, errors] of byRank.entries())
    for (const text of errors) {
      const key = text.split("\n", 2).join("\n");
      const error = found.get(key) ?? { text, ranks: new Set() };
      found.set(key, error);
      error.ranks.add(rank);
    }
  return [...found.values()].map(({ text, ranks }) =>
    ranks.size === byRank.length ? text : `rank ${[...ranks].join(", ")}: ${text}`,
  );
}
