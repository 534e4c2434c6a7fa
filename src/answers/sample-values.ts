/**
 * Values of a constant or a symbol at a few fixed points: expressions with functions are compared by them. At the first two
 * every symbol is above 0, at the others it may be below.
 */
export type Samples = readonly number[];

/** The size of symbols at each point, from `low` to `high`, and their sign. */
const points: readonly { low: number; high: number; sign(hash: number): number }[] = [
  { low: 0.3, high: 0.9, sign: () => 1 },
  { low: 1.1, high: 2.9, sign: () => 1 },
  { low: 0.3, high: 1.9, sign: (hash) => (hash % 2 === 0 ? 1 : -1) },
  { low: 0.4, high: 2.4, sign: () => -1 },
];

export const samplesOf = (constant: number): Samples => points.map(() => constant);

/** What has no real value, such as i. */
export const noSamples = samplesOf(Number.NaN);

/** Values of a symbol, which follow from its name. */
export function symbolSamples(name: string): Samples {
  return points.map(({ low, high, sign }, point) => {
    const hash = hashOf(`${point}${name}`);
    return sign(hash) * (low + ((high - low) * hash) / 2 ** 32);
  });
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Whether two values agree to ten digits wherever both are numbers, which they must be at two points at least. */
export function agree(a: Samples, b: Samples): boolean {
  const pairs = a.map((x, point) => [x, b[point] ?? Number.NaN] as const);
  const known = pairs.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  const isClose = known.every(([x, y]) => Math.abs(x - y) <= 1e-10 * Math.max(Math.abs(x), Math.abs(y)));
  return known.length >= 2 && isClose;
}
