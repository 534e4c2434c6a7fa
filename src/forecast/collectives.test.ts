import { expect, it } from "vitest";
import { allReduceSeconds, allToAllSeconds, joinSeconds, messageSeconds, othersOf } from "./collectives.ts";

const network = { latency: 50e-6, bandwidth: 1e9 };
const onlyLatency = { latency: 50e-6, bandwidth: Number.POSITIVE_INFINITY };
const onlyBandwidth = { latency: 0, bandwidth: 1e9 };

/** Parts going around a ring, message by message: each rank sends what it has received last. */
function ringSeconds(size: number, partBytes: number, { latency, bandwidth }: typeof network): number {
  let ready = Array.from({ length: size }, () => 0);
  for (let round = 1; round < size; round++) {
    const sent = ready.map((time) => time + partBytes / bandwidth + latency);
    ready = ready.map((time, rank) => Math.max(time, sent[(rank + size - 1) % size] ?? 0));
  }
  return Math.max(...ready);
}

it.each([1, 2, 3, 8, 64])("%i ranks: a ring takes what its messages take, one after another", (size) => {
  const agreement = (size - 1) * network.latency;
  // Sums go around once, and then their results.
  const twice = 2 * ringSeconds(size, 1e6, network);
  expect(allReduceSeconds(size, 1e6 * size, network)).toBeCloseTo(agreement + twice, 12);
});

it("an all-to-all sends everything at once: one latency, whatever the number of ranks", () => {
  const beyondAgreement = (size: number) => allToAllSeconds(size, 0, onlyLatency) - (size - 1) * 50e-6;
  expect(beyondAgreement(2)).toBeCloseTo(50e-6 + messageSeconds, 12);
  expect(beyondAgreement(100)).toBeCloseTo(50e-6 + 99 * messageSeconds, 12);
});

it("two all-to-alls move the bytes of a ring all-reduce", () => {
  for (const size of [2, 4, 1000]) {
    const bytesOnly = allToAllSeconds(size, 1e9, onlyBandwidth) - (size - 1) * messageSeconds;
    expect(2 * bytesOnly).toBeCloseTo(allReduceSeconds(size, 1e9, onlyBandwidth), 9);
    expect(bytesOnly).toBeCloseTo((size - 1) / size, 9);
  }
});

it("a group of one waits for nobody", () => {
  for (const seconds of [allToAllSeconds, allReduceSeconds]) expect(seconds(1, 1e9, network)).toBe(0);
  expect(joinSeconds(1, network)).toBe(0);
  expect(othersOf(1, 1e9)).toBe(0);
});

it("joining grows with the square of the number of ranks", () => {
  expect(joinSeconds(20_000, network) / joinSeconds(10_000, network)).toBeCloseTo(4, 1);
});
