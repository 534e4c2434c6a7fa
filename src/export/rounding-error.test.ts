import { expect, test } from "vitest";
import { fromData, scope, toDType } from "../torch/index.ts";
import { RoundingError } from "./rounding-error.ts";

test("the error of matrices is not hidden by vectors that are longer than all of them", () => {
  const of = (norm: number | undefined) =>
    scope(() => {
      const error = new RoundingError();
      const matrix = fromData(Float32Array.of(1.01, -2.02, 3.03, 4.04), [2, 2], { device: "cpu" });
      error.add(matrix, toDType(matrix, "bfloat16"));
      if (norm !== undefined) {
        const vector = fromData(Float32Array.of(norm, -norm), [2], { device: "cpu" });
        error.add(vector, vector);
      }
      return error.relative;
    });
  expect(of(undefined)).toBeGreaterThan(1e-3);
  expect(of(1e4)).toBe(of(undefined));
});

test("nothing is lost of nothing", () => {
  expect(new RoundingError().relative).toBe(0);
});
