import { divScalar, mulScalar, type Tensor, tanh } from "../torch/index.ts";
import type { FrozenWeight } from "./frozen-weight.ts";
import { Linear } from "./linear.ts";

/** The output layer of a language model: hidden states to logits. */
export class LMHead extends Linear {
  /** Logits z become c·tanh(z/c) (Gemma 2). */
  readonly softCap: number | undefined;

  /** @param weight `[vocabulary, hidden]` */
  constructor(weight: Tensor | FrozenWeight, softCap?: number) {
    super(weight);
    this.softCap = softCap;
  }

  override forward(x: Tensor): Tensor {
    const logits = super.forward(x);
    return this.softCap === undefined
      ? logits
      : mulScalar(tanh(divScalar(logits, this.softCap)), this.softCap);
  }
}
