import { expect, test } from "vitest";
import { KeyValueCache, tokenStream } from "./index.ts";

test("positions count from 0 in each sequence, and go on where a cache ends", () => {
  const several = tokenStream([5, 6, 7, 8, 9], [0, 3, 5], { device: "cpu" });
  expect([...several.positions.toFloats()]).toEqual([0, 1, 2, 0, 1]);
  expect([...several.tokens.toFloats()]).toEqual([5, 6, 7, 8, 9]);
  using cache = new KeyValueCache(1);
  cache.advance(4);
  const next = tokenStream([5, 6], undefined, { device: "cpu", caches: [cache] });
  expect([...next.positions.toFloats()]).toEqual([4, 5]);
  expect(next.offsets).toEqual([0, 2]);
  for (const { tokens, positions } of [several, next]) {
    tokens.dispose();
    positions.dispose();
  }
});
