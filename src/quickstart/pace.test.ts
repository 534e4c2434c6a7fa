import { expect, test } from "vitest";
import { chooseWork, estimateSeconds, workText } from "./pace.ts";

const full = { steps: 30, tests: 60 };
const pace = {
  watched: 3,
  at: [0.5],
  testsBefore: 16,
  seconds: 120,
  least: { steps: 20, tests: 30 },
};
const extent = { methods: 2, training: { batchSize: 4, evaluations: 0 }, validation: 32 };
const on = (probe: { open: number; step: number; watch: number }) => (work: typeof full) =>
  estimateSeconds({ ...extent, pace }, probe, work);

test("the estimate grows with each of its measurements, and with the work", () => {
  const [least, most] = [on({ open: 0, step: 1, watch: 0 }), on({ open: 1, step: 1, watch: 1 })];
  expect(least(full)).toBeGreaterThan(2 * full.steps);
  expect(least(full)).toBeLessThan(4 * full.steps);
  expect(most(full)).toBeGreaterThan(least(full));
  expect(least({ ...full, steps: 20 })).toBeLessThan(least(full));
  expect(least({ ...full, tests: 30 })).toBeLessThan(least(full));
  // An evaluation of 32 rows is a forward pass of eight steps.
  const training = { ...extent.training, evaluations: 3 };
  const evaluated = estimateSeconds({ ...extent, training, pace }, { open: 0, step: 1, watch: 0 }, full);
  expect(evaluated - least(full)).toBeCloseTo(2 * 3 * 8 * 0.5);
});

test("a fast machine does all of it, a slow one less, and none less than the least", () => {
  const fast = on({ open: 1, step: 1, watch: 1 });
  expect(chooseWork(pace, full, fast)).toEqual(full);
  expect(workText(full, full, fast, "messages")).toMatch(
    /^On this machine it takes about 1 min \d+ s from here\.$/,
  );
  const slow = on({ open: 1, step: 1.6, watch: 2 });
  const work = chooseWork(pace, full, slow);
  expect(work.steps).toBeGreaterThan(pace.least.steps);
  expect(work.steps).toBeLessThan(full.steps);
  expect(slow(work)).toBeLessThanOrEqual(pace.seconds);
  expect(slow({ ...work, steps: work.steps + 4 })).toBeGreaterThan(pace.seconds);
  const text = workText(work, full, slow, "messages");
  expect(text).toContain(
    `${work.steps} steps instead of 30, ${work.tests} messages in the test instead of 60`,
  );
  const slowest = on({ open: 20, step: 20, watch: 20 });
  expect(chooseWork(pace, full, slowest)).toEqual(pace.least);
});
