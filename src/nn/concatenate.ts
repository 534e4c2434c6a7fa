import { cat, type Tensor } from "../torch/index.ts";

/** Parts one after another along the first dimension; a single part as it is. */
export function concatenate(parts: readonly Tensor[]): Tensor {
  const [first, ...others] = parts;
  return first !== undefined && others.length === 0 ? first : cat(parts);
}
