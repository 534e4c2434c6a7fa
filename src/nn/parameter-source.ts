import { type DType, empty, fill_, type Generator, noGrad, normal_, type Tensor } from "../torch/index.ts";
import type { FrozenWeight } from "./frozen-weight.ts";

/** Kind of a parameter, which decides its initialisation. */
export type ParameterKind = "weight" | "bias" | "scale";

/** Supplies a model's parameters, from files or by random initialisation. The module owns the tensors that it takes. */
export interface ParameterSource {
  /** @param name the full name, as in Hugging Face folders */
  take(name: string, shape: readonly number[], kind: ParameterKind): Tensor;
  /** A weight of a linear layer or an embedding that the source quantises or shares out; undefined where `take` gives it. */
  takeFrozen(name: string, shape: readonly number[]): FrozenWeight | undefined;
  /** A source for one module's parameters: names get `prefix.` in front. */
  withPrefix(prefix: string): ParameterSource;
}

/** Makes a source of functions that look parameters up by full name; without `takeFrozen` all are tensors. */
export function makeParameterSource(
  take: ParameterSource["take"],
  takeFrozen: ParameterSource["takeFrozen"] = () => undefined,
  prefix = "",
): ParameterSource {
  return {
    take: (name, shape, kind) => take(prefix + name, shape, kind),
    takeFrozen: (name, shape) => takeFrozen(prefix + name, shape),
    withPrefix: (inner) => makeParameterSource(take, takeFrozen, `${prefix}${inner}.`),
  };
}

/**
 * Random initialisation as in Hugging Face models: weights normal with standard deviation `std`, biases 0, scales of norms 1;
 * on the generator's device.
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
