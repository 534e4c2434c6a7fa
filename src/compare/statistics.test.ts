import { expect, test } from "vitest";
import { isWithinNoise, pairedDifference, spread, studentQuantile } from "./statistics.ts";

test.each([
  // of the density, integrated by Simpson's rule in 2,000 steps
  [1, 12.706204736432095, 1.376381920471173],
  [2, 4.302652729911275, 1.060660171779821],
  [3, 3.182446305284264, 0.9784723123633042],
  [9, 2.262157162740992, 0.8834038597013464],
  [30, 2.042272456301238, 0.8537672614713036],
  [100, 1.983971518449634, 0.845230424491043],
])("Student's quantiles with %i degrees of freedom are those of its density", (freedom, q975, q80) => {
  expect(studentQuantile(0.975, freedom)).toBeCloseTo(q975, 9);
  expect(studentQuantile(0.8, freedom)).toBeCloseTo(q80, 9);
});

test("a paired interval is that of R's t.test on its data of sleep", () => {
  // t.test(extra ~ group, data = sleep, paired = TRUE)
  const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2];
  const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
  const found = pairedDifference(first.map((value, i) => value - (second[i] ?? 0)));
  expect(found?.mean).toBeCloseTo(-1.58, 12);
  expect(found?.interval?.[0]).toBeCloseTo(-2.4598858, 7);
  expect(found?.interval?.[1]).toBeCloseTo(-0.7001142, 7);
  expect(found?.pairs).toBe(10);
});

/** Differences of a mean and a standard deviation. */
const differencesOf = (centre: number, sigma: number) => [centre - sigma, centre, centre + sigma];

test.each([
  // R: ceiling(power.t.test(delta = d, sd = 1, power = .8, type = "paired")$n)
  [2, 5],
  [1, 10],
  [0.5, 34],
  [0.2, 199],
  [-0.5, 34],
])("a difference of %d standard deviations needs %i seeds, as R's power.t.test says", (effect, seeds) => {
  expect(pairedDifference(differencesOf(effect, 1))?.seedsNeeded).toBe(seeds);
});

test("small differences need many seeds, none need no number, and equal ones two", () => {
  expect(pairedDifference(differencesOf(0.01, 1))?.seedsNeeded).toBe(78_491);
  expect(pairedDifference(differencesOf(0, 1))?.seedsNeeded).toBeNull();
  expect(pairedDifference([0.1, 0.1])).toMatchObject({ deviation: 0, interval: [0.1, 0.1], seedsNeeded: 2 });
  expect(pairedDifference([0, 0])).toMatchObject({ interval: [0, 0], seedsNeeded: null });
});

test("what is within noise has 0 in its interval, and one pair always is", () => {
  const noise = (differences: number[]) => isWithinNoise(pairedDifference(differences) ?? expect.fail());
  expect(noise([1, 2, 3])).toBe(true);
  expect(noise([1, 1.1, 1.2])).toBe(false);
  expect(noise([-1, -1.1, -1.2])).toBe(false);
  expect(noise([5])).toBe(true);
  expect(pairedDifference([])).toBeUndefined();
});

test("a mean with its spread, and without one for one value", () => {
  expect(spread([1, 2, 3], 2)).toBe("2.00 ± 1.00");
  expect(spread([1], 1)).toBe("1.0");
});
