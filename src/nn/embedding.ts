import { embedding, type Tensor } from "../torch/index.js";
import { Module } from "./module.js";
import type { ParameterSource } from "./parameters.js";

/** A row of `weight` for each token. */
export class Embedding extends Module {
  /** `[vocabulary, hidden]` */
  weight: Tensor;

  constructor(source: ParameterSource, count: number, width: number) {
    super();
    this.weight = source.take("weight", [count, width], "weight");
  }

  /** @param tokens int64 `[T]`; the result is `[T, hidden]` */
  forward(tokens: Tensor): Tensor {
    return embedding(this.weight, tokens);
  }
}
