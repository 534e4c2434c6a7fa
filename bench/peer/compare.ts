// Whether the sides compute the same.
import { readAdapterFolder } from "../../src/adapters/peft/adapter-folder.ts";
import * as torch from "../../src/torch/index.ts";
import { largestOf, required, zip } from "../../src/util/elements.ts";
import type { Difference } from "./results.ts";

/**
 * How far a side may be from A in float32. float32: sums in another order differ by 2e-5 on most models; by 6e-5 on Gemma 3,
 * whose early layers have gradients that are small differences of large terms. bfloat16: A's own difference times this factor,
 * for rounding differs with the order of operations, or what a loss is rounded by.
 */
export const tolerances = {
  float32: { loss: 1e-5, gradient: 1e-4 },
  bfloat16: { factor: 2, loss: 2e-3 },
} as const;

/** How far losses of training steps may be from A's, relative. */
export const lossTolerances = { float32: 1e-4, bfloat16: 2e-2 } as const;

/** Thrown where a side does not compute the same. */
export class DifferentResults extends Error {}

/** The loss of a batch, and the folder of its gradients. */
export interface Checked {
  readonly loss: number;
  readonly gradients: string;
}

export function compare(reference: Checked, other: Checked): Difference {
  return {
    loss: relative(other.loss, reference.loss),
    ...worstTensor(reference.gradients, other.gradients),
  };
}

function worstTensor(reference: string, other: string): Omit<Difference, "loss"> {
  using theirs = readAdapterFolder(reference);
  using ours = readAdapterFolder(other);
  if (ours.tensors.size !== theirs.tensors.size)
    throw new Error(`${ours.tensors.size} gradients against ${theirs.tensors.size}`);
  const errors = [...theirs.tensors].map(([tensor, expected]) =>
    torch.scope(() => {
      const exact = torch.toDType(expected, "float64");
      const found = torch.toDType(required(ours.tensors.get(tensor), tensor), "float64");
      const norm = (x: torch.Tensor) => torch.linalgVectorNorm(x).item();
      const error = norm(torch.sub(found, exact));
      return { tensor, gradient: error === 0 ? 0 : error / norm(exact) };
    }),
  );
  // One that is no number is the worst.
  return errors.reduce((worst, each) =>
    each.gradient > worst.gradient || Number.isNaN(each.gradient) ? each : worst,
  );
}

/** What is wrong with a side's difference from A in float32; undefined where nothing is. @param ofA A's own, in the row's dtype */
export function checkDifference(
  dtype: "float32" | "bfloat16",
  found: Difference,
  ofA: Difference,
): string | undefined {
  const { float32, bfloat16 } = tolerances;
  const limit =
    dtype === "float32"
      ? float32
      : {
          loss: Math.max(bfloat16.factor * ofA.loss, bfloat16.loss),
          gradient: bfloat16.factor * ofA.gradient,
        };
  if (!(found.loss <= limit.loss))
    return `the first loss differs by ${found.loss.toExponential(1)}; ${limit.loss.toExponential(1)} is allowed`;
  if (!(found.gradient <= limit.gradient))
    return `the gradient of ${found.tensor} differs by ${found.gradient.toExponential(1)}; ${limit.gradient.toExponential(1)} is allowed`;
  return undefined;
}

/** The largest relative difference of two lists of losses. */
export function largestLossDifference(losses: readonly number[], reference: readonly number[]): number {
  return largestOf(zip(losses, reference).map(([a, b]) => relative(a, b)));
}

/** `largestLossDifference` of all timed steps. @throws DifferentResults where it is too large */
export function checkLosses(
  dtype: "float32" | "bfloat16",
  side: string,
  losses: readonly number[],
  reference: readonly number[],
): number {
  const found = largestLossDifference(losses, reference);
  if (found <= lossTolerances[dtype]) return found;
  throw new DifferentResults(`${side}: losses differ by ${found.toExponential(1)} after some steps`);
}

const relative = (value: number, reference: number) => Math.abs(value - reference) / Math.abs(reference);
