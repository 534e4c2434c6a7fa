import { expect, test } from "vitest";
import * as torch from "../torch/index.ts";
import { dropout } from "./dropout.ts";

test("dropout keeps the mean, scales what it keeps, and is drawn from the generator alone", () => {
  torch.scope(() => {
    using generator = new torch.Generator(3, "cpu");
    const x = torch.ones([200, 100], { device: "cpu" }).setRequiresGrad(true);
    const start = generator.state();
    const result = dropout(x, 0.25, generator);
    const values = new Set(result.toFloats());
    expect([...values].sort()).toEqual([0, Math.fround(1 / 0.75)]);
    expect(torch.mean(result).item()).toBeCloseTo(1, 1);
    torch.sum(result).backward();
    using gradient = x.grad;
    expect(gradient?.toFloats()).toEqual(result.toFloats());
    generator.setState(start);
    expect(dropout(x, 0.25, generator).toFloats()).toEqual(result.toFloats());
    expect(dropout(x, 0.25, generator).toFloats()).not.toEqual(result.toFloats());
  });
});

test("without a generator, and at rate 0, there is none", () => {
  torch.scope(() => {
    using generator = new torch.Generator(3, "cpu");
    const x = torch.ones([4], { device: "cpu" });
    expect(dropout(x, 0.5, undefined)).toBe(x);
    expect(dropout(x, 0, generator)).toBe(x);
  });
});
