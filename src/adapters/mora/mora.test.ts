import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Linear } from "../../nn/index.ts";
import * as torch from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { matrix } from "../testing/reference-run.ts";
import { type MoraType, SquareBank, squareWidth } from "./square-bank.ts";

interface Case {
  m: number;
  n: number;
  rank: number;
  type: MoraType;
  square: number[][];
  change: number[][];
}

const file = fileURLToPath(new URL("../../../test/golden/methods/mora.json", import.meta.url));
const { cases }: { cases: Case[] } = JSON.parse(readFileSync(file, "utf8"));

test.each(cases)(
  "$type, [$m, $n], rank $rank: the change is the paper's",
  ({ m, n, rank, type, square, change }) => {
    const width = squareWidth(m, n, rank, type);
    expect(width).toBe(square.length);
    using linear = new Linear(torch.zeros([m, n], { dtype: "float64", device: "cpu" }).keep());
    const bank = new SquareBank("test", { m, n, width, type }, [{ path: "layer", linear }]);
    bank.install();
    torch.scope(() => {
      torch.noGrad(() => torch.copy_(torch.select(bank.square.value, 0, 0), matrix(square)));
      const merged = bank.effectiveWeight(0, torch.zeros([m, n], { dtype: "float64", device: "cpu" }));
      const x = torch.eye(n, { dtype: "float64", device: "cpu" });
      for (const found of [
        merged,
        torch.transpose(
          torch.noGrad(() => linear.forward(x)),
          0,
          1,
        ),
      ])
        found.toFloats().forEach((value, i) => {
          expect(value).toBeCloseTo(elementAt(change.flat(), i), 13);
        });
    });
    bank.dispose();
  },
);

test("r̂ makes about as many numbers as LoRA has, rounded to the nearest; pairs need it even", () => {
  expect(squareWidth(4096, 4096, 8, "sharing")).toBe(256);
  expect(squareWidth(11008, 4096, 8, "sharing")).toBe(348);
  expect(squareWidth(5, 9, 2, "sharing")).toBe(5);
  expect(squareWidth(5, 9, 2, "rotation")).toBe(4);
});
