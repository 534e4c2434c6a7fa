import { setImmediate } from "node:timers/promises";

/** Milliseconds for which long work may keep the event loop from turning. */
const longestBlock = 100;

/**
 * Works on one item after another. The event loop turns between items that take long together, so that signals and timers
 * are handled.
 */
export async function mapInTurns<T, R>(
  items: Iterable<T>,
  work: (item: T, index: number) => R,
): Promise<R[]> {
  let last = performance.now();
  const results: R[] = [];
  for (const item of items) {
    results.push(work(item, results.length));
    if (performance.now() - last < longestBlock) continue;
    await setImmediate();
    last = performance.now();
  }
  return results;
}
