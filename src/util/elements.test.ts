import { expect, test } from "vitest";
import { elementAt, largestOf, mapTuple, required, zip } from "./elements.ts";

const internal = expect.objectContaining({ code: "internal" });

test("what must be there is returned, or named as missing", () => {
  expect(elementAt([4, 5], 1)).toBe(5);
  expect(() => elementAt([4, 5], 2)).toThrow(internal);
  expect(required(0, "a number")).toBe(0);
  expect(() => required(undefined, "a number")).toThrow(internal);
});

test("lists of equal length in pairs", () => {
  expect(zip([1, 2], ["a", "b"])).toEqual([
    [1, "a"],
    [2, "b"],
  ]);
  expect(() => zip([1], ["a", "b"])).toThrow(internal);
  expect(() => zip([1, 2], ["a"])).toThrow(internal);
});

test("a tuple keeps its length", () => {
  const [one, two]: [string, string] = mapTuple([1, 2], String);
  expect([one, two]).toEqual(["1", "2"]);
});

test("the largest of more values than a call takes arguments", () => {
  expect(largestOf(Array.from({ length: 200_000 }, (_, i) => i))).toBe(199_999);
  expect(largestOf([])).toBe(Number.NEGATIVE_INFINITY);
});
