import { expect, test } from "vitest";
import { rateCandidates } from "./candidates.ts";
import type { Setting } from "./method-settings.ts";
import { pendingTrials, selectCandidate, sweepEdges } from "./selection.ts";
import { summarise } from "./summary.ts";
import { trialResult as result } from "./testing/trial-result.ts";
import { countTrials, type TrialResult } from "./trials.ts";

const lora: Setting = {
  name: "lora",
  method: "lora",
  adapterOverrides: {},
  candidates: rateCandidates([0.001, 0.01, 0.1]),
};
const full: Setting = {
  name: "full",
  method: "full",
  adapterOverrides: {},
  candidates: rateCandidates([0.0001]),
};
const settings = [lora, full];
const seedSets = { seeds: [4, 0], tuningSeeds: [9] };

const open = (results: TrialResult[], sets = seedSets) =>
  pendingTrials(settings, sets, results).map(({ setting, candidate, seed }) => [
    setting.name,
    candidate.lr,
    seed,
  ]);

test("sweeps run on the tuning seeds; the best candidate alone runs on those that count, and what is not swept at once", () => {
  const fixed = [
    ["full", 0.0001, 4],
    ["full", 0.0001, 0],
  ];
  expect(open([])).toEqual([["lora", 0.001, 9], ["lora", 0.01, 9], ["lora", 0.1, 9], ...fixed]);
  const swept = [
    result("lora", 0.001, 9, { loss: 2 }),
    result("lora", 0.01, 9, { loss: 1.5 }),
    result("lora", 0.1, 9, { loss: 1, failed: "the loss is not finite" }),
  ];
  expect(open(swept)).toEqual([["lora", 0.01, 4], fixed[0], ["lora", 0.01, 0], fixed[1]]);
  expect(open([...swept, result("lora", 0.01, 4, { loss: 7 }), result("full", 0.0001, 0, {})])).toEqual([
    fixed[0],
    ["lora", 0.01, 0],
  ]);
  expect(countTrials(settings, seedSets)).toBe(7);
});

test("several tuning seeds choose by their mean, and all must be there", () => {
  const sets = { ...seedSets, tuningSeeds: [8, 9] };
  const swept = [0.001, 0.01, 0.1].flatMap((lr, i) => [
    result("lora", lr, 8, { loss: [1, 2, 3][i] ?? 0 }),
    result("lora", lr, 9, { loss: [9, 2, 3][i] ?? 0 }),
  ]);
  expect(selectCandidate(lora, sets, swept).best?.lr).toBe(0.01);
  expect(open(swept.slice(0, 5), sets)[0]).toEqual(["lora", 0.1, 9]);
  const failed = swept.map((each) =>
    each.lr === 0.01 && each.seed === 9 ? { ...each, failed: "killed" } : each,
  );
  expect(selectCandidate(lora, sets, failed)).toMatchObject({
    best: { lr: 0.1 },
    sweep: [{ value: 5 }, { value: null }, { value: 3 }],
  });
});

test("a setting whose sweep failed at every rate is not repeated and has no row", () => {
  const results = [0.001, 0.01, 0.1].map((lr) => result("lora", lr, 9, { failed: "diverged" }));
  expect(open(results).filter(([name]) => name === "lora")).toEqual([]);
  expect(summarise([lora], seedSets, results)).toEqual([]);
});

test("a score is better when higher, a loss when lower; equal scores are told apart by the loss, in any order", () => {
  const best = (...figures: Partial<TrialResult>[]) => {
    const results = figures.map((each, i) => result("lora", [0.001, 0.01, 0.1][i] ?? 0, 9, each));
    const reversed = { ...lora, candidates: lora.candidates.toReversed() };
    const found = [lora, reversed].map((setting) => selectCandidate(setting, seedSets, results).best?.lr);
    expect(found[0]).toBe(found[1]);
    return found[0];
  };
  expect(best({ loss: 2 }, { loss: 1 }, { loss: 3 })).toBe(0.01);
  expect(best({ score: 0.4, loss: 1 }, { score: 0.9, loss: 2 }, { score: 0.5, loss: 1 })).toBe(0.01);
  expect(best({ score: 0.9, loss: 2 }, { score: 0.9, loss: 3 }, { score: 0.9, loss: 1 })).toBe(0.1);
  expect(best({ score: 0.9, loss: 1 }, { score: 0.9, loss: 1 }, { score: 0.1, loss: 1 })).toBe(0.001);
});

test("a best candidate at the edge of its sweep is named for each swept number, with the value to try next", () => {
  const candidates = [0.001, 0.003].flatMap((lr) =>
    [1, 4, 16].flatMap((value) =>
      ["paper", "scalar"].map((policy) => ({ lr, options: { "scale.lipschitz": value, policy } })),
    ),
  );
  const at = (lr: number, value: number) =>
    sweepEdges(
      { method: "scalora", candidates },
      { lr, options: { "scale.lipschitz": value, policy: "paper" } },
    );
  expect(at(0.003, 4)).toEqual([{ key: "lr", value: 0.003, next: 0.009 }]);
  expect(at(0.001, 16)).toEqual([
    { key: "lr", value: 0.001, next: 0.00033 },
    { key: "scale.lipschitz", value: 16, next: 64 },
  ]);
  expect(sweepEdges(lora, { lr: 0.01, options: {} })).toEqual([]);
  expect(sweepEdges(full, { lr: 0.0001, options: {} })).toEqual([]);
  const offsets = [0, 5].map((offset) => ({ lr: 1, options: { offset } }));
  expect(
    sweepEdges({ method: "none of ours", candidates: offsets }, { lr: 1, options: { offset: 0 } }),
  ).toEqual([{ key: "offset", value: 0, next: -5 }]);
});

test.each([
  ["scalora", "interval", [1, 10], 1, []],
  ["scalora", "interval", [1, 10], 10, [100]],
  ["scalora", "interval", [5, 7], 5, [4]],
  ["relora", "interval", [3, 2], 2, []],
  ["lora", "rank", [1, 2], 1, []],
  ["lora", "rank", [2, 3], 3, [5]],
  ["lora", "dropout", [0.1, 0], 0, []],
  ["scalora", "scale.lipschitz", [1, 4], 1, [0.25]],
])("%s: of %s in %j, %d is best: next is %j, whole where it must be and in the option's range", (...each) => {
  const [method, key, values, best, next] = each;
  const candidates = values.map((value) => ({ lr: 1, options: { [key]: value } }));
  const edges = sweepEdges({ method, candidates }, { lr: 1, options: { [key]: best } });
  expect(edges).toEqual(next.map((value) => ({ key, value: best, next: value })));
});
