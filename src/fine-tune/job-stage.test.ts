import { expect, test } from "vitest";
import { JobStage } from "./job-stage.ts";

test("a job is cut off while it loads, or not at all once it works", () => {
  const here = new JobStage();
  const there = new JobStage(here.cells);
  expect([here.cutOff(), there.begin(), here.cutOff()]).toEqual([true, false, true]);
  const working = new JobStage();
  expect([working.begin(), working.cutOff(), working.begin()]).toEqual([true, false, true]);
});

test("whether a run is locked is known though its thread does not say it", () => {
  const here = new JobStage();
  expect(here.isLocked).toBe(false);
  new JobStage(here.cells).lock();
  expect(here.isLocked).toBe(true);
});
