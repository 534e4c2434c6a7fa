import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { countWarmupSteps, makeSchedule, scheduleNames } from "./index.ts";

const ratesOf = (name: (typeof scheduleNames)[number], steps: number, warmup: number) => {
  const schedule = makeSchedule({ name, lr: 1, steps, warmup });
  return Array.from({ length: steps }, (_, i) => schedule.lrAt(i + 1));
};

/** transformers' multipliers for its steps 0, 1, … */
const reference = {
  constant: () => 1,
  linear: (t: number, warmup: number, steps: number) => (steps - t) / (steps - warmup),
  cosine: (t: number, warmup: number, steps: number) =>
    0.5 * (1 + Math.cos((Math.PI * (t - warmup)) / (steps - warmup))),
  polynomial: (t: number, warmup: number, steps: number) => (1 - (t - warmup) / (steps - warmup)) ** 2,
};

for (const name of scheduleNames) {
  test(`${name}: rises over the warm-up, then is transformers' schedule`, () => {
    const rates = ratesOf(name, 20, 4);
    rates.slice(0, 4).forEach((rate, i) => {
      expect(rate).toBeCloseTo((i + 1) / 5, 12);
    });
    rates.slice(4).forEach((rate, i) => {
      expect(rate).toBeCloseTo(reference[name](i + 4, 4, 20), 12);
    });
    expect(Math.min(...rates)).toBeGreaterThan(0);
  });
}

test("without warm-up the first step has the peak", () => {
  expect(ratesOf("linear", 4, 0)).toEqual([1, 0.75, 0.5, 0.25]);
});

test("warm-up is a share below 1 and a number of steps from 1 on", () => {
  expect(countWarmupSteps(0.05, 30)).toBe(2);
  expect(countWarmupSteps(3, 30)).toBe(3);
  expect(countWarmupSteps(0.05, 1)).toBe(0);
});

test("an unknown schedule is refused with those that there are", () => {
  const name: "linear" = JSON.parse('"linaer"');
  expect(() => makeSchedule({ name, lr: 1, steps: 2 })).toThrow(
    refusal("config", { message: "no such schedule", expected: scheduleNames.join(", "), found: "linaer" }),
  );
  expect(() => makeSchedule({ name: "linear", lr: -1, steps: 2 })).toThrow(
    expect.objectContaining({ code: "config", found: "-1" }),
  );
});

test("numbers out of range are refused", () => {
  const make = (options: { lr?: number; steps?: number; warmup?: number }) => () =>
    makeSchedule({ name: "linear", lr: 1e-3, steps: 10, ...options });
  expect(make({ lr: Number.NaN })).toThrow(refusal("config", { message: "lr", found: "NaN" }));
  expect(make({ steps: 0 })).toThrow(refusal("config", { message: "steps", found: /^0$/ }));
  expect(make({ lr: -1e-9 })).toThrow(refusal("config", { message: "lr", expected: "a number, at least 0" }));
  expect(make({ steps: 2.5 })).toThrow(
    refusal("config", { message: "steps", expected: "an integer, at least 1" }),
  );
  expect(make({ warmup: -0.1 })).toThrow(
    refusal("config", { message: "warmup", expected: "a number, at least 0" }),
  );
  expect(make({ warmup: 1.5 })).toThrow(
    refusal("config", { message: "warmup", expected: "a share of the steps below 1, or a number of steps" }),
  );
  expect(make({ warmup: 1.5 })).toThrow(refusal("config", { message: "warmup", found: "1.5" }));
  expect(make({ warmup: 10 })).toThrow(
    refusal("config", { message: "warmup", expected: "10 steps", found: /^10$/ }),
  );
});

test("a rate of 0, a run of one step, and a warm-up of one step are in range", () => {
  expect(makeSchedule({ name: "linear", lr: 0, steps: 1 }).lrAt(1)).toBe(0);
  expect(makeSchedule({ name: "linear", lr: 1, steps: 1 }).lrAt(1)).toBe(1);
  expect(makeSchedule({ name: "linear", lr: 1, steps: 4, warmup: 1 }).warmupSteps).toBe(1);
  expect(makeSchedule({ name: "linear", lr: 1, steps: 4, warmup: 0.25 }).warmupSteps).toBe(1);
});
