import {
  type Activation,
  activations,
  bidirectionalAttention,
  dropout,
  LayerNorm,
  Linear,
  Module,
  type ParameterSource,
  runBlocks,
  type TokenStream,
} from "../../nn/index.ts";
import { add, reshape, scope, type Tensor } from "../../torch/index.ts";
import { internalError } from "../../util/errors.ts";
import type { EncoderConfig } from "./config.ts";

/** The activation of a name that the config's reader has checked. */
export function activationOf(name: string): Activation {
  const activation = activations.get(name);
  if (activation === undefined) throw internalError(`no activation ${name}`);
  return activation;
}

/** Self-attention of one layer without its output projection; it differs between families. `Pass` holds a pass's shared values. */
export interface SelfAttention<Pass> extends Module {
  /** @param x `[T, hidden]`; so is the result */
  forward(x: Tensor, pass: Pass): Tensor;
}

/** Inputs of every encoder layer besides the hidden states. */
export interface EncoderContext {
  stream: TokenStream;
}

/** BERT's attention: softmax(Q Kᵀ / √d) V within each sequence. */
class BertSelfAttention extends Module implements SelfAttention<EncoderContext> {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  private readonly headDim: number;
  private readonly rate: number;

  constructor(source: ParameterSource, { hiddenSize, heads, attentionDropout }: EncoderConfig) {
    super();
    const linear = (name: string) => Linear.fromSource(source.withPrefix(name), hiddenSize, hiddenSize, true);
    this.query = linear("query");
    this.key = linear("key");
    this.value = linear("value");
    this.headDim = hiddenSize / heads;
    this.rate = attentionDropout;
  }

  forward(x: Tensor, { stream }: EncoderContext): Tensor {
    const rows = x.size(0);
    const split = (linear: Linear) => reshape(linear.forward(x), [rows, -1, this.headDim]);
    const heads = { queries: split(this.query), keys: split(this.key), values: split(this.value) };
    const drop = { rate: this.rate, generator: stream.dropout };
    return bidirectionalAttention(heads, stream, this.headDim ** -0.5, drop);
  }
}

/** End of either half of a layer: projection, dropout, residual connection and norm. */
class ResidualOutput extends Module {
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  private readonly rate: number;

  constructor(source: ParameterSource, inner: number, config: EncoderConfig) {
    super();
    this.dense = Linear.fromSource(source.withPrefix("dense"), inner, config.hiddenSize, true);
    this.LayerNorm = new LayerNorm(source.withPrefix("LayerNorm"), config.hiddenSize, config.normEpsilon);
    this.rate = config.hiddenDropout;
  }

  forward(x: Tensor, residual: Tensor, { dropout: generator }: TokenStream): Tensor {
    return this.LayerNorm.forward(add(dropout(this.dense.forward(x), this.rate, generator), residual));
  }
}

class Attention<Pass extends EncoderContext> extends Module {
  readonly self: SelfAttention<Pass>;
  readonly output: ResidualOutput;

  constructor(source: ParameterSource, config: EncoderConfig, makeAttention: AttentionMaker<Pass>) {
    super();
    this.self = makeAttention(source.withPrefix("self"));
    this.output = new ResidualOutput(source.withPrefix("output"), config.hiddenSize, config);
  }
}

class Intermediate extends Module {
  readonly dense: Linear;

  constructor(source: ParameterSource, { hiddenSize, intermediateSize }: EncoderConfig) {
    super();
    this.dense = Linear.fromSource(source.withPrefix("dense"), hiddenSize, intermediateSize, true);
  }
}

/** Makes the self-attention of one layer. */
export type AttentionMaker<Pass> = (source: ParameterSource) => SelfAttention<Pass>;

/** A post-norm layer, as in BERT. */
export class EncoderLayer<Pass extends EncoderContext> extends Module {
  readonly attention: Attention<Pass>;
  readonly intermediate: Intermediate;
  readonly output: ResidualOutput;
  private readonly activation: Activation;

  constructor(source: ParameterSource, config: EncoderConfig, makeAttention: AttentionMaker<Pass>) {
    super();
    this.attention = new Attention(source.withPrefix("attention"), config, makeAttention);
    this.intermediate = new Intermediate(source.withPrefix("intermediate"), config);
    this.output = new ResidualOutput(source.withPrefix("output"), config.intermediateSize, config);
    this.activation = activationOf(config.activation);
  }

  /** @param x `[T, hidden]`; so is the result. Scopes free tensors that are no longer read. */
  forward(x: Tensor, pass: Pass): Tensor {
    const { self, output } = this.attention;
    const attended = scope(() => output.forward(self.forward(x, pass), x, pass.stream));
    const result = scope(() =>
      this.output.forward(this.activation(this.intermediate.dense.forward(attended)), attended, pass.stream),
    );
    attended.dispose();
    return result;
  }
}

/** All layers of a plain encoder. */
export class BertEncoder extends Module {
  readonly layer: readonly EncoderLayer<EncoderContext>[];

  constructor(source: ParameterSource, config: EncoderConfig) {
    super();
    this.layer = Array.from(
      { length: config.layers },
      (_, i) =>
        new EncoderLayer<EncoderContext>(
          source.withPrefix(`layer.${i}`),
          config,
          (own) => new BertSelfAttention(own, config),
        ),
    );
  }

  /** @param embedded `[T, hidden]`, which is freed; the result is `[T, hidden]` */
  forward(embedded: Tensor, stream: TokenStream): Tensor {
    const blocks = this.layer.map((layer) => (hidden: Tensor) => layer.forward(hidden, { stream }));
    return runBlocks(blocks, embedded, stream);
  }
}
