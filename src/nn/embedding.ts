import { type DType, embedding, fromData, mulScalar, scope, Tensor, toDType } from "../torch/index.ts";
import type { FrozenWeight } from "./frozen-weight.ts";
import { Module } from "./module.ts";
import type { ParameterSource } from "./parameter-source.ts";

/** Token embedding: a row of `weight` for each token, times `scale` where the model has one. */
export class Embedding extends Module {
  /** `[vocabulary, hidden]` */
  weight: Tensor | FrozenWeight;
  private readonly paddingIndex: number;
  private readonly scale: number | undefined;

  /**
   * @param options.scale rounded to the dtype of the weight before anything is multiplied by it, as in Gemma
   * @param options.padding the row that gets no gradient; none by default
   */
  constructor(
    source: ParameterSource,
    count: number,
    width: number,
    { scale, padding = -1 }: { scale?: number | undefined; padding?: number | undefined } = {},
  ) {
    super();
    const shape = [count, width];
    this.weight = source.takeFrozen("weight", shape) ?? source.take("weight", shape, "weight");
    this.scale = scale === undefined ? undefined : roundTo(scale, this.weight.dtype);
    this.paddingIndex = padding;
  }

  /** @param tokens int64 `[T]`; the result is `[T, hidden]` */
  forward(tokens: Tensor): Tensor {
    const { weight } = this;
    const rows =
      weight instanceof Tensor
        ? embedding(weight, tokens, { paddingIdx: this.paddingIndex })
        : weight.rows(tokens);
    return this.scale === undefined ? rows : mulScalar(rows, this.scale);
  }

  /** All rows, as `Linear.denseWeight`. */
  denseWeight(): Tensor {
    const { weight } = this;
    return weight instanceof Tensor ? weight : weight.dense();
  }
}

function roundTo(value: number, dtype: DType): number {
  return scope(() => toDType(fromData(Float32Array.of(value), [], { device: "cpu" }), dtype).item());
}
