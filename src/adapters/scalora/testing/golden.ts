import { readFileSync } from "node:fs";
import { z } from "zod";
import { Linear } from "../../../nn/index.ts";
import * as torch from "../../../torch/index.ts";
import { elementAt, required } from "../../../util/elements.ts";
import { messageOf, ScaloraError } from "../../../util/errors.ts";
import { LowRankBank } from "../../core/bank.ts";
import { ExactBase } from "../../core/base-store.ts";
import { type LayerOutcome, scalingEvent } from "../event.ts";

const number = z.number();
const matrix = z
  .array(z.array(number).min(1))
  .min(1)
  .refine(
    (rows) => rows.every(({ length }) => length === elementAt(rows, 0).length),
    "rows of different lengths",
  );
const stored = z.union([number, z.array(number), matrix]);
const outcome = z.object({ branch: z.string(), objective: number }).catchall(z.unknown());

/** A file of golden vectors: inputs of one layer and what each policy must make of them, computed elsewhere. */
const goldenSchema = z.object({
  name: z.string(),
  inputs: z.object({
    A: matrix,
    B: matrix,
    G: matrix,
    W: matrix,
    gA: matrix,
    gB: matrix,
    mA: matrix,
    mB: matrix,
    vA: matrix,
    vB: matrix,
    s: number.positive(),
    L: number.positive(),
    eta: number.positive(),
  }),
  expected: z.object({ default: outcome, paper: outcome }),
});
export type GoldenFile = z.output<typeof goldenSchema>;
type Matrix = GoldenFile["inputs"]["A"];

export const goldenPolicies = ["default", "paper"] as const;
export type GoldenPolicy = (typeof goldenPolicies)[number];

/** One array against its expectation: max|Δ| / max|expected|. */
interface Comparison {
  readonly array: string;
  readonly error: number;
  readonly tolerance: number;
}

/** What one policy made of one file. */
export interface GoldenResult {
  readonly branch: string;
  readonly expectedBranch: string;
  /** The objective and the arrays; the objective alone where the minimiser is not unique. */
  readonly comparisons: readonly Comparison[];
  readonly passed: boolean;
}

const inputArrays = ["A", "B", "G", "W", "gA", "gB", "mA", "mB", "vA", "vB"] as const;
const arrays = ["alpha", "beta", "W", "A", "B", "gA", "gB", "mA", "vA", "mB", "vB"] as const;
/** Relative errors that are not ours: an ill-conditioned system with huge factors magnifies rounding. */
const illConditioned = { files: [/^0?9_/, /^12_/], tolerance: 1e-5 };
/** A singular system, whose minimiser is not unique: only its objective is compared. */
const singular = { files: [/^0?8_/, /^10_/], tolerance: 1e-6 };
const tolerance = 1e-9;

/**
 * Reads a file of golden vectors.
 * @throws ScaloraError `format` when it cannot be read or is not one
 */
export function readGolden(path: string): GoldenFile {
  const fail = (found: string, cause?: unknown) =>
    new ScaloraError("format", "Not a file of golden vectors", { where: path, found, cause });
  let written: unknown;
  try {
    written = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw fail(messageOf(error), error);
  }
  const parsed = goldenSchema.safeParse(written);
  if (!parsed.success) {
    const { path: key, message } = elementAt(parsed.error.issues, 0);
    throw fail(`${key.join(".") || "the whole file"}: ${message}`);
  }
  const wrong = misfit(parsed.data);
  if (wrong !== undefined) throw fail(wrong);
  return parsed.data;
}

/** The first array whose shape is not that of a layer with A `[m, r]` and B `[n, r]`, in words. */
function misfit({ name, inputs, expected }: GoldenFile): string | undefined {
  const [m, n, r] = [inputs.A.length, inputs.B.length, elementAt(inputs.A, 0).length];
  const shapes: Record<string, number[]> = { alpha: [r], beta: [r], W: [m, n], G: [m, n] };
  for (const key of ["A", "gA", "mA", "vA"]) shapes[key] = [m, r];
  for (const key of ["B", "gB", "mB", "vB"]) shapes[key] = [n, r];
  const sections: [string, readonly string[], object][] = [["inputs", inputArrays, inputs]];
  for (const policy of goldenPolicies)
    if (!isSingular(name, policy)) sections.push([`expected.${policy}`, arrays, expected[policy]]);
  for (const [section, keys, values] of sections) {
    for (const key of keys) {
      const found = stored.safeParse(Object.entries(values).find(([field]) => field === key)?.[1]);
      const shape = found.success ? shapeOf(found.data) : undefined;
      if (shape?.join() === required(shapes[key], key).join()) continue;
      return `${section}.${key} is ${shape ? `[${shape.join(", ")}]` : "no array of numbers"} and not [${required(shapes[key], key).join(", ")}]`;
    }
  }
  return undefined;
}

function shapeOf(value: unknown): number[] {
  return Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : [];
}

/** Runs a scaling event on the layer of a golden file, with a second layer in the same bank. */
export function compareGolden(file: GoldenFile, policy: GoldenPolicy): GoldenResult {
  const expected = file.expected[policy];
  const result = runEvent(file, policy);
  const compare = (array: string, actual: readonly number[], wanted: unknown): Comparison => ({
    array,
    error: relative(actual, flat(wanted)),
    tolerance: toleranceOf(file.name, policy, array),
  });
  const comparisons = [
    compare("objective", [objectiveOf(file, result)], expected.objective),
    ...(isSingular(file.name, policy)
      ? []
      : arrays.map((array) => compare(array, result.arrays[array], expected[array]))),
  ];
  const { branch } = result.outcome;
  const passed =
    branch === expected.branch && comparisons.every(({ error, tolerance }) => error <= tolerance);
  return { branch, expectedBranch: expected.branch, comparisons, passed };
}

/** Whether only the objective is compared. */
const isSingular = (name: string, policy: string) => policy === "paper" && matches(singular.files, name);
const matches = (patterns: readonly RegExp[], name: string) => patterns.some((pattern) => pattern.test(name));

function toleranceOf(name: string, policy: GoldenPolicy, array: string): number {
  if (policy !== "paper") return tolerance;
  if (isSingular(name, policy) && array === "objective") return singular.tolerance;
  return matches(illConditioned.files, name) ? illConditioned.tolerance : tolerance;
}

interface EventResult {
  readonly outcome: LayerOutcome;
  readonly arrays: { readonly [K in (typeof arrays)[number]]: readonly number[] };
}

/** The layer is the second in a bank of two, so that a mistake in the batching shows. */
function runEvent({ inputs, name }: GoldenFile, policy: GoldenPolicy): EventResult {
  return torch.scope(() => {
    const [m, n, rank] = [inputs.A.length, inputs.B.length, elementAt(inputs.A, 0).length];
    const layers = [0, 1].map((i) => ({
      path: `${name}.${i}`,
      linear: new Linear(tensor(inputs.W, 2 - i).keep()),
    }));
    const bank = new LowRankBank("golden", { m, n, rank, scale: inputs.s }, layers);
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
      elapsed: 1,
      threshold: 1,
    });
    const own = (stacked: torch.Tensor) => [...torch.select(stacked, 0, 1).toFloats()];
    const outcome = elementAt(outcomes, 1);
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

function tensor(rows: Matrix, factor: number): torch.Tensor {
  return torch.fromData(
    Float64Array.from(flat(rows), (x) => x * factor),
    [rows.length, elementAt(rows, 0).length],
    { device: "cpu" },
  );
}

function stack(rows: Matrix, first: number): torch.Tensor {
  return torch.stack([tensor(rows, first), tensor(rows, 1)]);
}

function fillStack(target: torch.Tensor, rows: Matrix, first: number): void {
  torch.noGrad(() => torch.copy_(target, stack(rows, first)));
}

/** ‖G/L − η·s²·(G·B̃·B̃ᵀ + Ã·Ãᵀ·G)‖²_F in plain loops. */
function objectiveOf({ inputs: { G, L, eta, s } }: GoldenFile, { arrays: { A, B } }: EventResult): number {
  const [m, n] = [G.length, elementAt(G, 0).length];
  const rank = A.length / m;
  const at = (values: readonly number[], row: number, column: number) =>
    elementAt(values, row * rank + column);
  let total = 0;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let update = 0;
      for (let k = 0; k < rank; k++) {
        for (let l = 0; l < n; l++) update += elementAt(elementAt(G, i), l) * at(B, l, k) * at(B, j, k);
        for (let l = 0; l < m; l++) update += at(A, i, k) * at(A, l, k) * elementAt(elementAt(G, l), j);
      }
      total += (elementAt(elementAt(G, i), j) / L - eta * s ** 2 * update) ** 2;
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
  return worst === 0 ? 0 : worst / largest;
}
