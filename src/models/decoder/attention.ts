import {
  type AttentionOptions,
  applyRotary,
  decodeStepAttention,
  isDecodeStep,
  Linear,
  Module,
  type ParameterSource,
  type QueryKeyValue,
  RMSNorm,
  type RotaryCosSin,
  streamAttention,
  type TokenStream,
} from "../../nn/index.ts";
import { reshape, type Tensor } from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import type { DecoderConfig } from "./config.ts";

/** Inputs of a layer besides the hidden states. */
export interface DecoderContext {
  stream: TokenStream;
  rotation: RotaryCosSin;
}

/** Causal grouped-query attention with rotary positions, within a sliding window where the layer has one. */
export class Attention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  readonly q_norm: RMSNorm | undefined;
  readonly k_norm: RMSNorm | undefined;
  private readonly headDim: number;
  private readonly layer: number;
  private readonly rule: AttentionOptions;

  constructor(source: ParameterSource, config: DecoderConfig, layer: number) {
    super();
    const { hiddenSize, heads, keyValueHeads, headDim, biases } = config;
    const linear = (name: string, from: number, to: number, withBias: boolean) =>
      Linear.fromSource(source.withPrefix(name), from, to, withBias);
    const norm = (name: string) =>
      config.queryKeyNorm ? new RMSNorm(source.withPrefix(name), headDim, config.norm) : undefined;
    this.q_proj = linear("q_proj", hiddenSize, heads * headDim, biases.queryKeyValue);
    this.k_proj = linear("k_proj", hiddenSize, keyValueHeads * headDim, biases.queryKeyValue);
    this.v_proj = linear("v_proj", hiddenSize, keyValueHeads * headDim, biases.queryKeyValue);
    this.o_proj = linear("o_proj", heads * headDim, hiddenSize, biases.output);
    this.q_norm = norm("q_norm");
    this.k_norm = norm("k_norm");
    this.headDim = headDim;
    this.layer = layer;
    this.rule = {
      scale: config.attentionScale,
      slidingWindow: elementAt(config.layers, layer).slidingWindow,
      softCap: config.attentionLogitSoftcap,
    };
  }

  /** @param x `[T, hidden]` */
  forward(x: Tensor, { stream, rotation }: DecoderContext): Tensor {
    const normed = (projected: Tensor, norm: RMSNorm | undefined) =>
      norm === undefined ? projected : norm.forward(this.split(projected));
    const queries = normed(this.q_proj.forward(x), this.q_norm);
    const keys = normed(this.k_proj.forward(x), this.k_norm);
    const values = this.v_proj.forward(x);
    return this.o_proj.forward(this.attend({ queries, keys, values }, { stream, rotation }));
  }

  /** @param heads not rotated, each `[T, heads · headDim]` or with the heads apart */
  private attend({ queries, keys, values }: QueryKeyValue, { stream, rotation }: DecoderContext): Tensor {
    const { layer, rule } = this;
    if (stream.caches !== undefined && isDecodeStep(stream, rule, queries))
      return decodeStepAttention({ queries, keys, values }, rotation, stream.caches, layer, rule.scale);
    const rotated = {
      queries: applyRotary(this.split(queries), rotation),
      keys: applyRotary(this.split(keys), rotation),
      values: this.split(values),
    };
    return streamAttention(rotated, stream, layer, rule);
  }

  /** `[T, heads · headDim]` as `[T, heads, headDim]` */
  private split(heads: Tensor): Tensor {
    return reshape(heads, [heads.size(0), -1, this.headDim]);
  }
}
