import { expect, test } from "vitest";
import { compare } from "./close-to.ts";

const tolerance = { measure: "max", limit: 1e-3, reason: "a test" } as const;

test("the message names the worst element and its difference", () => {
  expect([1, 2, 3]).toBeCloseToAll([1, 2, 3.002], tolerance);
  expect(() => expect([1, 2.5, 3]).toBeCloseToAll([1, 2, 3.002], tolerance)).toThrow(
    /\(max\) 1\.67e-1, limit 0\.001 \(a test\); worst at \[1\]: found 2\.5, expected 2, difference 5\.00e-1/,
  );
  expect(() => expect([1]).toBeCloseToAll([1, 2], tolerance)).toThrow("expected 2 numbers, found 1");
});

test("relative errors of both measures", () => {
  expect(compare([1, 0], [0, 4], "max").error).toBe(1);
  expect(compare([3, 0], [0, 4], "frobenius").error).toBe(5 / 4);
  expect(compare([0], [0], "max").error).toBe(0);
  expect(compare([1], [0], "max").error).toBe(Number.POSITIVE_INFINITY);
});

test("a value that is not finite never passes", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(compare([1, bad], [1, 2], "max").error).toBe(Number.POSITIVE_INFINITY);
    expect(compare([1, bad], [1, 2], "frobenius").error).toBe(Number.POSITIVE_INFINITY);
    expect(compare([1, bad], [1, 2], "max").index).toBe(1);
  }
});
