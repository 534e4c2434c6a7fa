import { expect, test } from "vitest";
import { NotUnderstood } from "./limits.ts";
import { isUnitWord, unitOf } from "./units.ts";

test.each<[words: string, unit: string | undefined, factor?: bigint]>([
  ["meters", "m"],
  ["m ^ 2", "m^2"],
  ["square meters", "m^2"],
  ["meters squared", "m^2"],
  ["cubic feet", "ft^3"],
  ["miles per hour", "mi/h"],
  ["mph", "mi/h"],
  ["m / s", "m/s"],
  ["dollar million", "dollar", 1_000_000n],
  ["hundred thousand people", "people", 100_000n],
  ["dozen", undefined, 12n],
  ["per hour", "/h"],
  ["red marbles", "red marble"],
  ["buses", "bus"],
  ["bus", "bus"],
  ["constructor", "constructor"],
  ["cookies", "cooky"],
  ["planes", "plane"],
  ["houses", "hous"],
  ["house", "hous"],
  ["tickets", "ticket"],
  ["°", "°"],
  ["square units", "unit^2"],
  ["units", undefined],
  ["th", undefined],
  ["", undefined],
])("the unit of %j is %j", (words, unit, factor = 1n) => {
  expect(unitOf(words)).toEqual({ name: unit, factor });
});

test.each([
  "to",
  "out of",
  "in 6",
  "people in",
  "remainder",
  "squared",
  "square",
  "factorial",
  "m 2",
  "m ^ 23",
  "cups of big red apples",
])("%j is no unit", (words) => {
  expect(() => unitOf(words)).toThrow(NotUnderstood);
});

test("units of two letters and more may stand after a number without a command", () => {
  expect(["cm", "inches", "mph", "apples", "m", "xy"].filter(isUnitWord)).toEqual(["cm", "inches", "mph"]);
});
