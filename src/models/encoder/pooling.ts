import {
  type Activation,
  dropout,
  Linear,
  Module,
  type ParameterSource,
  type TokenStream,
} from "../../nn/index.ts";
import { indexSelect, indices, type Tensor } from "../../torch/index.ts";

/** Hidden states of the first token of every sequence. `[S, hidden]` */
export function firstTokenStates(hidden: Tensor, { offsets }: TokenStream): Tensor {
  return indexSelect(hidden, 0, indices(offsets.slice(0, -1), { device: hidden.device }));
}

/** A linear layer and an activation on the first token. */
export class Pooler extends Module {
  readonly dense: Linear;
  private readonly activation: Activation;
  private readonly rate: number;

  /** @param rate dropout before the layer */
  constructor(source: ParameterSource, width: number, activation: Activation, rate: number) {
    super();
    this.dense = Linear.fromSource(source.withPrefix("dense"), width, width, true);
    this.activation = activation;
    this.rate = rate;
  }

  /** @param hidden `[T, hidden]`; the result is `[S, hidden]` */
  forward(hidden: Tensor, stream: TokenStream): Tensor {
    const first = dropout(firstTokenStates(hidden, stream), this.rate, stream.dropout);
    return this.activation(this.dense.forward(first));
  }
}
