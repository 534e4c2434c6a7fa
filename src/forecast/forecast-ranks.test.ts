import { expect, it } from "vitest";
import { allReduceSeconds, messageSeconds } from "./collectives.ts";
import { forecastRanks, type RankCosts } from "./forecast-ranks.ts";
import { ranksRows } from "./forecast-rows.ts";

const network = { latency: 50e-6, bandwidth: 1.25e9 };
const costs: RankCosts = {
  stepSeconds: 1,
  accumulate: 2,
  stepTokens: 4096,
  batchSeconds: 1e-3,
  gradientBytes: [8e6, 4e6],
  exchangeSeconds: 0.01,
  byteSeconds: 0,
  loadSeconds: 5,
  evaluation: { seconds: 8, batches: 8 },
  checkpoint: { bytes: 50e6, hashSeconds: 0.2 },
};
const length = { steps: 100, evaluations: 5, checkpoints: 4 };
const forecast = (size: number, changes: Partial<RankCosts> = {}) =>
  forecastRanks({ ...costs, ...changes }, length, { size, network });

it("one rank takes what was measured", () => {
  const { step, sentBytes, exchangeBytes, efficiency, join, total, tokensPerSecond } = forecast(1);
  expect(step).toEqual({ compute: 1, batches: 0, exchange: 0, network: 0, total: 1 });
  expect({ sentBytes, exchangeBytes, efficiency, join }).toEqual({
    sentBytes: 0,
    exchangeBytes: 0,
    efficiency: 1,
    join: 0,
  });
  expect(tokensPerSecond).toBe(4096);
  expect(total).toBeCloseTo(5 + 100 + 5 * 8 + 4 * (0.2 + 0.1), 9);
});

it("a step is its computation, the batches of the others, sums, and the network", () => {
  const { step, efficiency, tokensPerSecond } = forecast(4);
  expect(step.compute).toBe(1);
  expect(step.batches).toBeCloseTo(3 * 2 * 1e-3, 12);
  // Additions for 3 other ranks, 2 micro-batches and 2 dtypes.
  expect(step.exchange).toBeCloseTo(0.01 + 12 * 2.5e-6, 12);
  expect(step.total).toBeCloseTo(1 + 0.006 + step.exchange + step.network, 12);
  expect(efficiency).toBeCloseTo(1 / step.total, 12);
  expect(tokensPerSecond).toBeCloseTo(4 * 4096 * efficiency, 6);
});

it("holds a bucket of the others' gradients, and with several micro-batches copies and sums of its own", () => {
  expect(forecast(4, { accumulate: 1 }).exchangeBytes).toBeCloseTo((3 / 4) * 12e6, 6);
  expect(forecast(4, { accumulate: 1, gradientBytes: [1e9] }).exchangeBytes).toBeCloseTo(
    0.75 * 25 * 2 ** 20,
    6,
  );
  expect(forecast(4).exchangeBytes).toBeCloseTo((3 / 4 + 5 / 4) * 12e6, 6);
});

it("sends (k + 1) / 2 times the bytes of a ring all-reduce", () => {
  for (const accumulate of [1, 2, 5])
    expect(forecast(4, { accumulate }).sentBytes).toBeCloseTo(((accumulate + 1) * 12e6 * 3) / 4, 6);
});

it("on a network without latency a step waits for the bytes of its last micro-batch, and for the sums", () => {
  const fast = { latency: 0, bandwidth: 1e9 };
  const one = { ...costs, gradientBytes: [12e6] };
  const { step } = forecastRanks(one, length, { size: 2, network: fast });
  const ofLosses = allReduceSeconds(2, 8 * 4, fast) + allReduceSeconds(2, 8 * 2, fast);
  const messages = 2 * messageSeconds; // to one other rank, twice
  expect(step.network).toBeCloseTo(2 * (6e6 / 1e9) + ofLosses + messages, 12);
});

it("of the other micro-batches it waits for what takes longer than the next one", () => {
  const slow = { latency: 0, bandwidth: 1e6 };
  const one = { ...costs, gradientBytes: [8e6] };
  const { step } = forecastRanks(one, length, { size: 2, network: slow });
  const round = 4 + messageSeconds; // 4 MB at 1 MB/s, beside 0.5 s of computation
  const ofLosses = allReduceSeconds(2, 8 * 4, slow) + allReduceSeconds(2, 8 * 2, slow);
  expect(step.network).toBeCloseTo(round - 0.5 + 2 * round + ofLosses, 9);
});

it("what is sent while a rank computes on the CPU takes time from it", () => {
  const fast = { latency: 0, bandwidth: 1e9 };
  const networkOf = (byteSeconds: number) =>
    forecastRanks({ ...costs, gradientBytes: [12e6], byteSeconds }, length, { size: 2, network: fast }).step
      .network;
  // The first of two micro-batches' gradients.
  expect(networkOf(0.5e-9) - networkOf(0)).toBeCloseTo(6e6 * 0.5e-9, 9);
});

it("gradients of a second dtype travel while nothing is computed", () => {
  const slow = { latency: 0, bandwidth: 1e6 };
  const waitOf = (gradientBytes: number[]) =>
    forecastRanks({ ...costs, gradientBytes }, length, { size: 2, network: slow }).step.network;
  // Two rounds, and the sums.
  expect(waitOf([8e6, 4e6]) - waitOf([8e6])).toBeCloseTo(3 * (2 + messageSeconds), 9);
});

it("a base that is shared out is sent twice by each micro-batch, and waited for as far as nothing is computed", () => {
  const slow = { latency: 0, bandwidth: 1e8 };
  const base = [
    { isBlock: false, values: 10e6, bytes: [40e6] },
    ...Array.from({ length: 10 }, () => ({ isBlock: true, values: 10e6, bytes: [40e6] })),
  ];
  const question = { size: 2, network: slow };
  const { step, sentBytes, base: shared, total } = forecastRanks({ ...costs, base }, length, question);
  const whole = forecastRanks(costs, length, question);
  expect(whole.base).toBeNull();
  expect(shared).toMatchObject({ kept: 220e6, buffers: 120e6, sentBytes: 2 * 16 * 20e6 });
  expect(sentBytes).toBeCloseTo(whole.sentBytes + 2 * 16 * 20e6, 3);
  // A gather takes 0.2 s; a micro-batch of 0.5 s computes 1/64 of it with a block forward, twice as long backward.
  const forward = 0.5 / 32;
  const seconds = shared?.seconds ?? 0;
  expect(seconds).toBeCloseTo(2 * (8 * (0.2 - forward) + 8 * (0.2 - 2 * forward)), 1);
  expect(step.network).toBeCloseTo(whole.step.network + seconds, 9);
  // The evaluations too.
  expect(total).toBeGreaterThan(whole.total + 100 * seconds);
});

it("evaluates in rounds of a batch on each rank", () => {
  const evaluation = (size: number) => {
    const once = forecastRanks(costs, { steps: 0, evaluations: 1, checkpoints: 0 }, { size, network });
    return once.total - once.load - once.join;
  };
  expect(evaluation(4)).toBeCloseTo(2, 2);
  expect(evaluation(3)).toBeCloseTo(3, 2);
  expect(evaluation(100)).toBeCloseTo(1, 1);
});

it("shows what a rank keeps of a base that is shared out", () => {
  const base = [{ isBlock: true, values: 1e6, bytes: [4 * 2 ** 20] }];
  const rows = Object.fromEntries(ranksRows(forecast(4, { base })));
  expect(rows["base"]).toBe(
    "each rank keeps 1.00 MiB and gathers the rest, a block at a time, into 8.00 MiB: it sends 0 B a step, which is 0.00 ms longer for it",
  );
});

it("is shown in five rows", () => {
  const rows = Object.fromEntries(ranksRows(forecast(4)));
  expect(Object.keys(rows)).toEqual(["4 ranks", "network", "each rank", "start", "time"]);
  expect(rows["4 ranks"]).toMatch(
    /^a step 1\.\d+ s: 1\.00 s compute, 6\.00 ms batches, 10\.0 ms sums, .* of ideal$/,
  );
  expect(rows["network"]).toBe("each rank sends 25.7 MiB a step, at 10.0 Gbit/s and 50.0 µs");
});
