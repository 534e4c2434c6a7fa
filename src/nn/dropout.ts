import {
  bernoulli_,
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
  const mask = noGrad(() => {
    const kept = bernoulli_(emptyLike(x), { p: 1 - rate, generator });
    return mulScalar_(kept, 1 / (1 - rate));
  });
  return mul(x, mask);
}
