import { expect, it } from "vitest";
import { StepTimeline } from "./step-timeline.ts";

it("waits for what a collective takes beyond the computation meanwhile", () => {
  const timeline = new StepTimeline(0);
  const end = timeline.begin(3, 0);
  timeline.compute(1);
  timeline.waitUntil(end);
  expect(timeline.waited).toBe(2);
  const soon = timeline.begin(1, 0);
  timeline.compute(5);
  timeline.waitUntil(soon);
  expect(timeline.waited).toBe(2);
});

it("performs collectives one after another", () => {
  const timeline = new StepTimeline(0);
  timeline.begin(4, 0);
  timeline.compute(1);
  timeline.perform(2);
  expect(timeline.waited).toBe(5);
});

it("a collective holds the computation up by the time that its bytes take from it", () => {
  const second = 1000;
  const timeline = new StepTimeline(1 / second);
  timeline.begin(4, second); // a quarter of the time
  timeline.compute(1);
  expect(timeline.waited).toBeCloseTo(1 / 3, 12);
  timeline.compute(10);
  expect(timeline.waited).toBeCloseTo(1, 12);
  timeline.begin(2, 2 * second); // all of it
  timeline.begin(2, second);
  timeline.compute(10);
  expect(timeline.waited).toBeCloseTo(1 + 3, 12);
});

it("a collective that takes no time holds nothing up", () => {
  const timeline = new StepTimeline(1);
  timeline.compute(2);
  timeline.begin(0, 1e9);
  timeline.compute(2);
  expect(timeline.waited).toBe(0);
});
