import { expect, test } from "vitest";
import { testWithinTime } from "./timed-regexp.ts";

test("an expression that matches in time says so", () => {
  expect(testWithinTime(/layers\.\d+$/, "model.layers.11")).toBe(true);
  expect(testWithinTime(/layers\.\d+$/, "model.layers.x")).toBe(false);
});

test("an error of another kind is told as it is", () => {
  const broken = /a/;
  broken.exec = () => {
    throw new RangeError("no memory");
  };
  expect(() => testWithinTime(broken, "a")).toThrow(new RangeError("no memory"));
});

test("an expression that would take for ever is given up after a second", () => {
  const started = performance.now();
  expect(() => testWithinTime(/^([a-z_.]+)+!$/, "model.layers.self_attn.q_proj_and_more_letters")).toThrow(
    "longer than a second",
  );
  expect(performance.now() - started).toBeLessThan(30_000);
});
