import { expect, test } from "vitest";
import { flattenKeys } from "./flatten.ts";

test("nested keys are joined by dots; lists of plain values stay whole", () => {
  const value = { a: { b: 1, c: null }, d: [1, "x"], e: [{ f: true }, { g: [] }], h: undefined, i: () => 1 };
  expect([...flattenKeys(value)]).toEqual([
    ["a.b", 1],
    ["d", [1, "x"]],
    ["e.0.f", true],
    ["e.1.g", []],
  ]);
  expect(flattenKeys("x", "k")).toEqual(new Map([["k", "x"]]));
  expect(flattenKeys(null).size + flattenKeys(undefined).size).toBe(0);
});
