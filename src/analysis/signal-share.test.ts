import { expect, test } from "vitest";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import * as torch from "../torch/index.ts";
import { signalShare } from "./signal-share.ts";

checkTensorLeaks();

const matrix = (rows: readonly (readonly number[])[]) =>
  torch.fromData(Float64Array.from(rows.flat()), [rows.length, rows[0]?.length ?? 0], { device: "cpu" });

test("φ is the cosine of what two gradients have outside the factors' columns", () => {
  torch.scope(() => {
    // A spans the first row, B the first column, so only the lower right 2 × 2 counts.
    const A = matrix([[2], [0], [0]]);
    const B = matrix([[-3], [0], [0]]);
    const one = matrix([
      [9, 9, 9],
      [9, 1, 2],
      [9, 0, 2],
    ]);
    const other = matrix([
      [-5, 1, 1],
      [1, 2, 0],
      [1, 2, 1],
    ]);
    expect(signalShare(one, other, { A, B })).toBeCloseTo((2 + 2) / (3 * 3), 12);
    expect(signalShare(one, one, { A, B })).toBeCloseTo(1, 12);
  });
});

test("a factor that is zero, or has equal columns, takes away no more than it spans", () => {
  torch.scope(() => {
    const zero = matrix([[0], [0]]);
    const twice = matrix([
      [1, 1],
      [0, 0],
    ]);
    const one = matrix([
      [3, 4],
      [0, 4],
    ]);
    const other = matrix([
      [3, 0],
      [3, 0],
    ]);
    expect(signalShare(one, other, { A: zero, B: zero })).toBeCloseTo(
      9 / (Math.sqrt(41) * Math.sqrt(18)),
      12,
    );
    expect(signalShare(one, other, { A: twice, B: zero })).toBeCloseTo(0, 12);
    expect(signalShare(one, other, { A: twice, B: twice })).toBeNaN();
  });
});
