import { expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { fitOf, memoryError } from "./memory-fit.ts";

const GiB = 2 ** 30;
const need = {
  total: 20 * GiB,
  fixed: 4 * GiB,
  perToken: GiB / 1024,
  tokens: 16 * 1024,
  longestRow: 1000,
  least: 4 * GiB,
  unknown: [],
};
const limit = { bytes: 8 * GiB, of: "the machine" } as const;
const train = (batchTokens?: number) => ({ train: { batchTokens } });
const none = { float32: 0, quantisable: 0 };

test("a run is refused where it would not fit if the estimate were a tenth too high", () => {
  const fits = [8.9, 8.8, 7.3, 7.2].map((total) => fitOf({ total: total * GiB }, limit));
  expect(fits).toEqual(["no", "tight", "tight", "yes"]);
});

test("the refusal names limit, need and what would fit even if the estimate were a tenth too low", () => {
  const weights = { float32: 2 * GiB, quantisable: GiB };
  expect(memoryError({ need, limit, weightBytes: weights }, train(16_384))).toEqual(
    refusal("config", {
      where: "train.batchTokens",
      expected: "at most 8.00 GiB, all that this process may take of the machine",
      found:
        "about 20.0 GiB at the peak: 4.00 GiB whatever the batch, 16.0 GiB for the largest one of 16,384 tokens",
      fix: /^train\.batchTokens: 3351 fits \([^;]*; SCALORA_MEMORY_CHECK=off/,
    }),
  );
  const larger = { ...limit, bytes: 21.1 * GiB };
  expect(memoryError({ need, limit: larger, weightBytes: weights }, train()).fix).toMatch(
    /fits [^;]*; model\.dtype: bfloat16 takes about 13\.4 GiB; adapter\.method: qlora takes about 19\.1 GiB;/,
  );
  const heavy = memoryError({ need: { ...need, fixed: 9 * GiB }, limit, weightBytes: none }, train());
  expect(heavy).toEqual(refusal("config", { where: "train.batchSize", fix: /^SCALORA_MEMORY_CHECK=off/ }));
});

test("a budget below the longest row needs shorter rows, and none is named where evaluation does not fit", () => {
  const long = memoryError({ need: { ...need, longestRow: 4000 }, limit, weightBytes: none }, train());
  expect(long.fix).toMatch(/^train\.batchTokens: 3351 with data\.maxLength: 3351 fits/);
  const { found, fix } = memoryError(
    { need: { ...need, least: 20 * GiB }, limit, weightBytes: none },
    train(),
  );
  expect(found).toMatch(/^about 20\.0 GiB at the peak: that of loading the model, or of evaluating/);
  expect(fix).toMatch(/^SCALORA_MEMORY_CHECK=off/);
});

test("the refusal names recomputation where the run would fit with it", () => {
  const refusal = (total: number) =>
    memoryError({ need, recomputed: { ...need, total }, limit, weightBytes: none }, train()).fix;
  expect(refusal(7 * GiB)).toMatch(/^train\.recompute: all takes about 7\.00 GiB; train\.batchTokens/);
  expect(refusal(7.5 * GiB)).not.toContain("recompute");
});

test("what a batch takes is not made up where it is not known", () => {
  const unknown = { ...need, perToken: null, fixed: need.total, unknown: ["a training batch: a fault"] };
  const weightBytes = { float32: 19 * GiB, quantisable: 19 * GiB };
  const { found, fix } = memoryError({ need: unknown, limit, weightBytes }, train());
  expect(found).toMatch(
    /^about 20\.0 GiB at the peak: 20\.0 GiB whatever the batch, and what one takes is not known$/,
  );
  expect(fix).toMatch(/^SCALORA_MEMORY_CHECK=off/);
});
