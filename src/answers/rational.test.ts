import { expect, test } from "vitest";
import { NotUnderstood } from "./limits.ts";
import { parseDecimal, rational, rationalPower, recurringDecimal, toNumber } from "./rational.ts";

test.each([
  ["12", 12n, 1n],
  [".5", 1n, 2n],
  ["1.50", 3n, 2n],
  ["1e3", 1000n, 1n],
  ["25e-2", 1n, 4n],
])("%s is read exactly", (text, numerator, denominator) => {
  expect(parseDecimal(text)).toEqual({ numerator, denominator });
});

test("decimals that recur, fractions in lowest terms, and powers are exact", () => {
  expect(recurringDecimal("0.1", "6")).toEqual(rational(1n, 6n));
  expect(recurringDecimal("3.", "09")).toEqual(rational(34n, 11n));
  expect(rational(6n, -4n)).toEqual({ numerator: -3n, denominator: 2n });
  expect(rationalPower(rational(-2n, 3n), -3n)).toEqual(rational(-27n, 8n));
  expect(rationalPower(rational(-1n), 10n ** 30n + 1n)).toEqual(rational(-1n));
  expect(toNumber(rational(10n ** 400n + 1n, 10n ** 400n))).toBe(1);
});

test("what is too large, or divides by zero, is not understood", () => {
  const attempts = [
    () => rational(1n, 0n),
    () => rationalPower(rational(0n), -1n),
    () => rationalPower(rational(3n), 10n ** 20n),
    () => parseDecimal("1e9999"),
    () => parseDecimal("."),
  ];
  for (const attempt of attempts) expect(attempt).toThrow(NotUnderstood);
});
