import {
  bernoulli_,
  empty,
  emptyLike,
  type Generator,
  mul,
  mulScalar_,
  noGrad,
  type Tensor,
} from "../torch/index.ts";

/**
 * Sets each element to 0 with probability `rate` and scales the others by 1 / (1 − rate).
 * @param generator of the training run, saved in checkpoints; without it (outside training) x is returned unchanged
 */
export function dropout(x: Tensor, rate: number, generator: Generator | undefined): Tensor {
  if (generator === undefined || rate === 0) return x;
  return mul(
    x,
    fill(() => emptyLike(x), rate, generator),
  );
}

/**
 * What dropout multiplies so many float32 elements on the CPU with: 0, or 1 / (1 − rate).
 * @returns undefined where nothing is dropped
 */
export function dropoutFactors(
  count: number,
  rate: number,
  generator: Generator | undefined,
): Tensor | undefined {
  if (generator === undefined || rate === 0) return undefined;
  return fill(() => empty([count], { dtype: "float32", device: "cpu" }), rate, generator);
}

const fill = (makeEmpty: () => Tensor, rate: number, generator: Generator): Tensor =>
  noGrad(() => {
    const kept = bernoulli_(makeEmpty(), { p: 1 - rate, generator });
    return mulScalar_(kept, 1 / (1 - rate));
  });
