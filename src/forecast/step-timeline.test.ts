import { expect, it } from "vitest";
import { StepTimeline } from "./step-timeline.ts";

it("waits for what a collective takes beyond the computation meanwhile", () => {
  const timeline = new StepTimeline();
  const end = timeline.begin(3);
  timeline.compute(1);
  timeline.waitUntil(end);
  expect(timeline.waited).toBe(2);
  const soon = timeline.begin(1);
  timeline.compute(5);
  timeline.waitUntil(soon);
  expect(timeline.waited).toBe(2);
});

it("performs collectives one after another", () => {
  const timeline = new StepTimeline();
  timeline.begin(4);
  timeline.compute(1);
  timeline.perform(2);
  expect(timeline.waited).toBe(5);
});
