import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Linear, Module } from "../../nn/index.ts";
import type { Optimizer } from "../../optim/index.ts";
import * as torch from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import type { AdapterSet } from "../core/adapter-set.ts";
import type { LowRankAdapters } from "../core/low-rank-adapters.ts";

/** A run of a method on one weight, whose gradients are given. */
export interface GivenRun {
  readonly seed: number;
  readonly rank: number;
  readonly interval: number;
  readonly lr: number;
  readonly weight: number[][];
  readonly gradients: number[][][];
  /** The effective weight after each step. */
  readonly effective: number[][][];
}

/** A fixture of tools/reference/methods.py. */
export function readRun<T extends GivenRun>(name: string): T {
  const path = fileURLToPath(new URL(`../../../test/golden/methods/${name}.json`, import.meta.url));
  return JSON.parse(readFileSync(path, "utf8"));
}

export const matrix = (rows: readonly (readonly number[])[]) =>
  torch.fromData(Float64Array.from(rows.flat()), [rows.length, elementAt(rows, 0).length], { device: "cpu" });

/** A model of one layer. */
export class OneLayer extends Module {
  readonly layer: Linear;

  constructor(weight: readonly (readonly number[])[]) {
    super();
    this.layer = new Linear(matrix(weight).keep());
  }
}

/** Takes a run's steps: the method's hook, the gradients that the factors get of the weight's, the optimiser. */
export function stepThrough(
  run: GivenRun,
  adapters: LowRankAdapters & Pick<AdapterSet, "lrFactor" | "beforeForward">,
  optimizer: Optimizer,
  visit: (step: number, effective: Float64Array) => void,
): void {
  const { A, B, gradA, gradB, shape } = elementAt(adapters.banks, 0);
  run.gradients.forEach((rows, at) => {
    const step = at + 1;
    const lr = run.lr * adapters.lrFactor(step);
    const moments = (name: string) => optimizer.moments(name);
    torch.noGrad(() =>
      torch.scope(() => {
        adapters.beforeForward({ step, warmupSteps: 0, peakLr: run.lr, lr, moments });
        const G = matrix(rows);
        const transposed = torch.transpose(G, 0, 1);
        torch.copy_(
          torch.select(gradA, 0, 0),
          torch.mulScalar(torch.matmul(G, torch.select(B, 0, 0)), shape.scale),
        );
        torch.copy_(
          torch.select(gradB, 0, 0),
          torch.mulScalar(torch.matmul(transposed, torch.select(A, 0, 0)), shape.scale),
        );
        optimizer.step(lr);
        visit(step, adapters.mergedWeight("layer", "float64").toFloats());
      }),
    );
  });
}
