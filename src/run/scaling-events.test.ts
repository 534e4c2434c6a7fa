import { expect, test } from "vitest";
import type { RunEvent } from "./events.ts";
import { scalingEvents } from "./scaling-events.ts";

const step = (number: number, loss: number): RunEvent => ({
  type: "step",
  step: number,
  loss,
  lr: 0.1,
  gradNorm: 1,
  clipped: false,
  tokens: 10,
  labelTokens: 5,
  seconds: 0.5,
  memory: 1000,
});
const method = (number: number, kind: string): RunEvent => ({
  type: "method",
  step: number,
  report: { kind },
});

test("scaling events stand beside the losses of their own step and of the next", () => {
  const events = [step(1, 9), method(1, "restart"), step(2, 8), method(2, "scaling"), step(3, 7), step(4, 6)];
  const report = { kind: "scaling" };
  expect(scalingEvents([...events, method(4, "scaling"), method(6, "scaling")])).toEqual([
    { step: 2, report, loss: 8, nextLoss: 7 },
    { step: 4, report, loss: 6, nextLoss: undefined },
    { step: 6, report, loss: undefined, nextLoss: undefined },
  ]);
});
