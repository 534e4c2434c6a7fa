import { expect, test } from "vitest";
import { elementAt } from "../../util/elements.ts";
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
  const rounded = Array.from({ length: 5000 }, (_, i) => roundUp(i + 1));
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
  expect(shape).toEqual({ tokens: 576, sequences: 8, longest: 512, labels: 576 });
  const offsets = paddedOffsets(batch.offsets, shape);
  expect(offsets).toEqual([0, 30, 230, 233, 523, 576]);
  const short = batchOf(Array.from({ length: 35 }, () => 15));
  const padded = paddedOffsets(short.offsets, shapeFor(short));
  expect(padded.slice(35)).toEqual([525, 540, 555, 570, 576]);
});

test("batches of similar sizes share shapes", () => {
  const random = (i: number) => ((i * 7919) % 97) + 40;
  const shapes = Array.from({ length: 200 }, (_, i) =>
    JSON.stringify(shapeFor(batchOf([0, 1, 2, 3, 4, 5, 6, 7].map((j) => random(8 * i + j))))),
  );
  expect(new Set(shapes).size).toBeLessThan(40);
  expect(elementAt(shapes, 0)).toContain('"sequences":16');
});
