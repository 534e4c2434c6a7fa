import {
  type Activation,
  concatenate,
  dropout,
  groupByLength,
  LayerNorm,
  Module,
  type ParameterSource,
  type TokenStream,
} from "../../nn/index.ts";
import { add, conv1d, narrow, reshape, type Tensor, transpose } from "../../torch/index.ts";
import { activationOf } from "../encoder/bert-encoder.ts";
import type { ConvolutionConfig, DebertaConfig } from "./config.ts";

class Convolution extends Module {
  /** `[hidden, hidden / groups, kernel]` */
  weight: Tensor;
  bias: Tensor;
  private readonly groups: number;

  constructor(source: ParameterSource, width: number, { kernel, groups }: ConvolutionConfig) {
    super();
    this.weight = source.take("weight", [width, width / groups, kernel], "weight");
    this.bias = source.take("bias", [width], "bias");
    this.groups = groups;
  }

  /** @param x `[T, hidden]`; so is the result. Each sequence is padded with zeros. */
  forward(x: Tensor, offsets: readonly number[]): Tensor {
    const [width, , kernel] = this.weight.sizes(3);
    const parts = groupByLength(offsets).map(({ start, count, length }) => {
      const part = reshape(narrow(x, 0, start, count * length), [count, length, width]);
      const result = conv1d(transpose(part, 1, 2), this.weight, {
        bias: this.bias,
        padding: [(kernel - 1) / 2],
        groups: this.groups,
      });
      return reshape(transpose(result, 1, 2), [count * length, width]);
    });
    return concatenate(parts);
  }
}

/** The convolution over the embeddings that DeBERTa-v2 adds to the output of its first layer. */
export class ConvLayer extends Module {
  readonly conv: Convolution;
  readonly LayerNorm: LayerNorm;
  private readonly activation: Activation;
  private readonly rate: number;

  constructor(source: ParameterSource, config: DebertaConfig, convolution: ConvolutionConfig) {
    super();
    const { hiddenSize, normEpsilon, hiddenDropout } = config;
    this.conv = new Convolution(source.withPrefix("conv"), hiddenSize, convolution);
    this.LayerNorm = new LayerNorm(source.withPrefix("LayerNorm"), hiddenSize, normEpsilon);
    this.activation = activationOf(convolution.activation);
    this.rate = hiddenDropout;
  }

  /** @param embedded input of the first layer, `[T, hidden]`. @param layered its output, of the same shape */
  forward(embedded: Tensor, layered: Tensor, stream: TokenStream): Tensor {
    const convolved = dropout(this.conv.forward(embedded, stream.offsets), this.rate, stream.dropout);
    return this.LayerNorm.forward(add(layered, this.activation(convolved)));
  }
}
