import { embedding, type Tensor } from "../torch/index.js";
import { Module } from "./module.js";
import type { ParameterSource } from "./parameters.js";

/** A row of `weight` for each token. */
export class Embedding extends Module {
  /** `[vocabulary, hidden]` */
  weight: Tensor;
  private readonly padding: number;

  /** @param padding the row that gets no gradient; none by default */
  constructor(source: ParameterSource, count: number, width: number, padding = -1) {
    super();
    this.weight = source.take("weight", [count, width], "weight");
    this.padding = padding;
  }

  /** @param tokens int64 `[T]`; the result is `[T, hidden]` */
  forward(tokens: Tensor): Tensor {
    return embedding(this.weight, tokens, this.padding);
  }
}
