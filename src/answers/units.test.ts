import { expect, test } from "vitest";
import { isUnitWord, unitOf } from "./units.ts";

test.each([
  ["meters", "m"],
  ["m ^ 2", "m^2"],
  ["square meters", "m^2"],
  ["meters squared", "m^2"],
  ["cubic feet", "ft^3"],
  ["miles per hour", "mi/h"],
  ["mph", "mi/h"],
  ["m / s", "m/s"],
  ["dollar million", "dollar million"],
  ["tickets", "ticket"],
  ["°", "°"],
  ["square units", undefined],
  ["units", undefined],
  ["th", undefined],
  ["", undefined],
])("the unit of %j is %j", (words, unit) => {
  expect(unitOf(words)).toBe(unit);
});

test("units of two letters and more may stand after a number without a command", () => {
  expect(["cm", "inches", "mph", "apples", "m", "xy"].filter(isUnitWord)).toEqual(["cm", "inches", "mph"]);
});
