import { type DType, empty, fill_, type Generator, noGrad, normal_, type Tensor } from "../torch/index.ts";
import type { Nf4Weight } from "./nf4.ts";

/** What a parameter is, which decides how a new one starts. */
export type ParameterKind = "weight" | "bias" | "scale";

/** Where a model's parameters come from: files, or a random start. The tensors given belong to the module. */
export interface ParameterSource {
  /** @param name the full name, as in Hugging Face folders */
  take(name: string, shape: readonly number[], kind: ParameterKind): Tensor;
  /** The codes of a linear layer's weight, where the source quantises it; undefined where it is to be taken as it is. */
  takeQuantised(name: string, shape: readonly number[]): Nf4Weight | undefined;
  /** A source for one module's parameters: names get `prefix.` in front. */
  withPrefix(prefix: string): ParameterSource;
}

/** Adds `at` to functions that find parameters by name; without `quantised` no weight is. */
export function makeParameterSource(
  take: ParameterSource["take"],
  quantised: ParameterSource["takeQuantised"] = () => undefined,
  prefix = "",
): ParameterSource {
  return {
    take: (name, shape, kind) => take(prefix + name, shape, kind),
    takeQuantised: (name, shape) => quantised(prefix + name, shape),
    withPrefix: (inner) => makeParameterSource(take, quantised, `${prefix}${inner}.`),
  };
}

/**
 * Fresh parameters as Hugging Face models start: weights normal with standard deviation `std`, biases 0, scales of
 * norms 1; on the generator's device.
 */
export function randomParameters(generator: Generator, std: number, dtype: DType): ParameterSource {
  return makeParameterSource((_name, shape, kind) => {
    const parameter = empty(shape, { dtype, device: generator.device }).keep();
    noGrad(() => {
      if (kind === "weight") normal_(parameter, { std, generator });
      else fill_(parameter, kind === "scale" ? 1 : 0);
    });
    return parameter;
  });
}
