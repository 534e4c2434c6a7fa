import { expect, test } from "vitest";
import { Random } from "../../util/random.ts";
import { paddedOffsets, roundUp, shapeFor } from "./batch-shape.ts";

/** A batch of sequences of these lengths, all tokens but each first one labels. */
function batchOf(lengths: readonly number[]) {
  let end = 0;
  const offsets = [0, ...lengths.map((length) => (end += length))];
  return {
    tokens: new Int32Array(end),
    offsets,
    labelPositions: new Int32Array(end - lengths.length),
    labelTargets: new Int32Array(end - lengths.length),
  };
}

test("counts are rounded up by an eighth at most, to eight numbers between two powers of two", () => {
  const rounded = Array.from({ length: 5000 }, (_, i) => roundUp(i + 1, 8));
  rounded.forEach((up, i) => {
    expect(up).toBeGreaterThanOrEqual(i + 1);
    expect(up / (i + 1)).toBeLessThanOrEqual(1.125);
  });
  expect([...new Set(rounded.slice(512, 1024))]).toEqual([576, 640, 704, 768, 832, 896, 960, 1024]);
  expect(rounded.slice(0, 17)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18]);
});

test("padding is sequences no longer than the batch's own", () => {
  const batch = batchOf([30, 200, 3, 290]);
  const shape = shapeFor(batch);
  expect(shape).toEqual({ tokens: 576, sequences: 8, longest: 1024, labels: 768 });
  const offsets = paddedOffsets(batch.offsets, shape.tokens);
  expect(offsets).toEqual([0, 30, 230, 233, 523, 576]);
  const short = batchOf(Array.from({ length: 35 }, () => 15));
  const padded = paddedOffsets(short.offsets, shapeFor(short).tokens);
  expect(padded.slice(35)).toEqual([525, 540, 555, 570, 576]);
});

test("batches of eight chats, of uneven lengths and labels, mostly have a shape that came twice before", () => {
  const random = new Random(1);
  const seen = new Map<string, number>();
  let recurring = 0;
  for (let i = 0; i < 1000; i++) {
    const lengths = Array.from(
      { length: 8 },
      () => 20 + random.integerBelow(150) + random.integerBelow(1 + random.integerBelow(600)),
    );
    const batch = batchOf(lengths);
    const share = 30 + random.integerBelow(40);
    const labels = new Int32Array(Math.round((batch.tokens.length * share) / 100));
    const shape = JSON.stringify(shapeFor({ ...batch, labelPositions: labels, labelTargets: labels }));
    const before = seen.get(shape) ?? 0;
    if (before >= 2) recurring++;
    seen.set(shape, before + 1);
  }
  expect(seen.size).toBeLessThan(64);
  expect(recurring).toBeGreaterThan(900);
});
