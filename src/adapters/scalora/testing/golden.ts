import { readFileSync } from "node:fs";
import { Linear } from "../../../nn/index.js";
import * as torch from "../../../torch/index.js";
import { FactorBank } from "../../core/bank.js";
import { ExactBase } from "../base.js";
import { type LayerOutcome, scalingEvent } from "../event.js";

type Matrix = readonly (readonly number[])[];

/** A file of golden vectors: inputs of one layer and what each policy must make of them, computed elsewhere. */
interface GoldenFile {
  readonly name: string;
  readonly inputs: {
    readonly [K in "A" | "B" | "G" | "W" | "gA" | "gB" | "mA" | "mB" | "vA" | "vB"]: Matrix;
  } & {
    readonly s: number;
    readonly L: number;
    readonly eta: number;
  };
  readonly expected: { readonly rho: number } & { readonly [policy: string]: GoldenOutcome };
}

interface GoldenOutcome {
  readonly branch: string;
  readonly objective: number;
  readonly [array: string]: unknown;
}

export const goldenPolicies = ["default", "paper"] as const;
export type GoldenPolicy = (typeof goldenPolicies)[number];

/** One array of one policy of one file against its expectation: max|Δ| / max|expected|. */
export interface Comparison {
  readonly policy: GoldenPolicy;
  readonly array: string;
  readonly error: number;
  readonly tolerance: number;
}

const arrays = ["alpha", "beta", "W", "A", "B", "gA", "gB", "mA", "vA", "mB", "vB"] as const;
/** Relative errors that are not ours: an ill-conditioned system with huge factors magnifies rounding. */
const illConditioned = { files: [/^0?9_/, /^12_/], tolerance: 1e-5 };
/** A singular system, whose minimiser is not unique: only its objective is compared. */
const singular = { files: [/^0?8_/, /^10_/], tolerance: 1e-6 };
const tolerance = 1e-9;

/** Runs the event that training calls on the layer of a golden file, beside a second layer in the same bank. */
export function compareGolden(path: string, policy: GoldenPolicy): Comparison[] {
  const file: GoldenFile = JSON.parse(readFileSync(path, "utf8"));
  const expected = file.expected[policy];
  const result = runEvent(file, policy);
  const branch = {
    policy,
    array: "branch",
    error: result.outcome.branch === expected.branch ? 0 : 1,
    tolerance: 0,
  };
  const objective = {
    policy,
    array: "objective",
    error: relative([objectiveOf(file, result)], [expected.objective]),
    tolerance: toleranceOf(file.name, policy, "objective"),
  };
  const compared = arrays.filter(() => !(policy === "paper" && matches(singular.files, file.name)));
  return [
    branch,
    objective,
    ...compared.map((array) => ({
      policy,
      array,
      error: relative(result.arrays[array], flat(expected[array])),
      tolerance: toleranceOf(file.name, policy, array),
    })),
  ];
}

const matches = (patterns: readonly RegExp[], name: string) => patterns.some((pattern) => pattern.test(name));

function toleranceOf(name: string, policy: GoldenPolicy, array: string): number {
  if (policy !== "paper") return tolerance;
  if (matches(singular.files, name) && array === "objective") return singular.tolerance;
  return matches(illConditioned.files, name) ? illConditioned.tolerance : tolerance;
}

interface EventResult {
  readonly outcome: LayerOutcome;
  readonly arrays: { readonly [K in (typeof arrays)[number]]: readonly number[] };
}

/** The layer stands second in a bank of two, so that a mistake in the batching shows. */
function runEvent({ inputs, name }: GoldenFile, policy: GoldenPolicy): EventResult {
  return torch.scope(() => {
    const [m, n, rank] = [inputs.A.length, inputs.B.length, inputs.A[0].length];
    const layers = [0, 1].map((i) => ({ path: `${name}.${i}`, linear: new Linear(matrix(inputs.W, 2 - i)) }));
    const bank = new FactorBank("golden", { m, n, rank, scale: inputs.s }, layers);
    const base = new ExactBase(layers);
    // the first layer gets other numbers: half of A and B, and gradients that belong to them
    fillStack(bank.A, inputs.A, 0.5);
    fillStack(bank.B, inputs.B, 0.5);
    fillStack(bank.gradA, inputs.gA, 0.5);
    fillStack(bank.gradB, inputs.gB, 0.5);
    const moments = {
      A: { expAvg: stack(inputs.mA, 0.5), expAvgSq: stack(inputs.vA, 0.25) },
      B: { expAvg: stack(inputs.mB, 0.5), expAvgSq: stack(inputs.vB, 0.25) },
    };
    const outcomes = scalingEvent(bank, base, moments, {
      policy,
      moments: "transfer",
      scale: { lipschitz: inputs.L },
      peakLr: inputs.eta,
      threshold: 1,
    });
    const own = (tensor: torch.Tensor) => [...torch.select(tensor, 0, 1).toFloats()];
    const outcome = outcomes[1];
    const result = {
      outcome,
      arrays: {
        alpha: [...outcome.alpha],
        beta: [...outcome.beta],
        W: [...base.weight(1).toFloats()],
        A: own(bank.A),
        B: own(bank.B),
        gA: own(bank.gradA),
        gB: own(bank.gradB),
        mA: own(moments.A.expAvg),
        vA: own(moments.A.expAvgSq),
        mB: own(moments.B.expAvg),
        vB: own(moments.B.expAvgSq),
      },
    };
    for (const { linear } of layers) linear.dispose();
    bank.dispose();
    base.dispose();
    return result;
  });
}

function matrix(rows: Matrix, factor: number): torch.Tensor {
  return torch
    .fromData(
      Float64Array.from(flat(rows), (x) => x * factor),
      [rows.length, rows[0].length],
    )
    .keep();
}

function stack(rows: Matrix, first: number): torch.Tensor {
  return torch.stack([matrix(rows, first), matrix(rows, 1)], 0);
}

function fillStack(target: torch.Tensor, rows: Matrix, first: number): void {
  torch.noGrad(() => torch.copy_(target, stack(rows, first)));
}

/** ‖G/L − η·s²·(G·B̃·B̃ᵀ + Ã·Ãᵀ·G)‖²_F in plain loops. */
function objectiveOf({ inputs: { G, L, eta, s } }: GoldenFile, { arrays: { A, B } }: EventResult): number {
  const [m, n] = [G.length, G[0].length];
  const rank = A.length / m;
  const at = (values: readonly number[], row: number, column: number) => values[row * rank + column];
  let total = 0;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let update = 0;
      for (let k = 0; k < rank; k++) {
        for (let l = 0; l < n; l++) update += G[i][l] * at(B, l, k) * at(B, j, k);
        for (let l = 0; l < m; l++) update += at(A, i, k) * at(A, l, k) * G[l][j];
      }
      total += (G[i][j] / L - eta * s ** 2 * update) ** 2;
    }
  }
  return total;
}

function flat(value: unknown): number[] {
  return Array.isArray(value) ? value.flatMap(flat) : [Number(value)];
}

function relative(actual: readonly number[], expected: readonly number[]): number {
  const largest = Math.max(...expected.map(Math.abs));
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN))));
  if (actual.length !== expected.length || Number.isNaN(worst)) return Number.POSITIVE_INFINITY;
  return largest === 0 ? worst : worst / largest;
}
