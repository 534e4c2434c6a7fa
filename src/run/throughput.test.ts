import { expect, test } from "vitest";
import { StepMeter } from "./throughput.ts";

test("speed counts the steps' own time, the remaining time what lies between them too", () => {
  let now = 100;
  const meter = new StepMeter({ size: 2, now: () => now });
  expect(meter.tokensPerSecond).toBeNull();
  expect(meter.remaining(5)).toBeNull();
  now += 50;
  meter.count(1, 50);
  now += 2;
  meter.count(100, 2);
  now += 4;
  meter.count(300, 2);
  expect(meter.tokensPerSecond).toBe(100);
  expect(meter.remaining(5)).toBe(15);
});

test("what was loaded and measured before the first step is no time of a step", () => {
  let now = 100;
  const meter = new StepMeter({ now: () => now });
  now += 24;
  meter.count(100, 2);
  expect(meter.remaining(29)).toBe(58);
});
