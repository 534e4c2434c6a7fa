import {
  type Activation,
  activations,
  advanceCaches,
  type CausalLM,
  Embedding,
  KeyValueCache,
  Linear,
  type ModelInfo,
  Module,
  type ParameterSource,
  RMSNorm,
  Rotary,
  type Rotation,
  rotate,
  streamAttention,
  type TokenStream,
} from "../../nn/index.js";
import { add, mul, reshape, scope, type Tensor } from "../../torch/index.js";
import { internalError } from "../../util/errors.js";
import type { LlamaConfig } from "./config.js";

/** What every layer of one forward pass shares. */
interface Pass {
  stream: TokenStream;
  rotation: Rotation;
}

class Attention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  private readonly headDim: number;
  private readonly layer: number;

  constructor(source: ParameterSource, config: LlamaConfig, layer: number) {
    super();
    const { hiddenSize, heads, keyValueHeads, headDim, attentionBias } = config;
    const linear = (name: string, from: number, to: number) =>
      Linear.from(source.at(name), from, to, attentionBias);
    this.q_proj = linear("q_proj", hiddenSize, heads * headDim);
    this.k_proj = linear("k_proj", hiddenSize, keyValueHeads * headDim);
    this.v_proj = linear("v_proj", hiddenSize, keyValueHeads * headDim);
    this.o_proj = linear("o_proj", heads * headDim, hiddenSize);
    this.headDim = headDim;
    this.layer = layer;
  }

  forward(x: Tensor, { stream, rotation }: Pass): Tensor {
    const [rows] = x.shape;
    const split = (projected: Tensor) => reshape(projected, [rows, -1, this.headDim]);
    const queries = rotate(split(this.q_proj.forward(x)), rotation);
    const keys = rotate(split(this.k_proj.forward(x)), rotation);
    const values = split(this.v_proj.forward(x));
    const scale = this.headDim ** -0.5;
    return this.o_proj.forward(streamAttention({ queries, keys, values }, stream, this.layer, scale));
  }
}

class MLP extends Module {
  readonly gate_proj: Linear;
  readonly up_proj: Linear;
  readonly down_proj: Linear;
  private readonly activation: Activation;

  constructor(source: ParameterSource, { hiddenSize, intermediateSize, mlpBias, activation }: LlamaConfig) {
    super();
    this.gate_proj = Linear.from(source.at("gate_proj"), hiddenSize, intermediateSize, mlpBias);
    this.up_proj = Linear.from(source.at("up_proj"), hiddenSize, intermediateSize, mlpBias);
    this.down_proj = Linear.from(source.at("down_proj"), intermediateSize, hiddenSize, mlpBias);
    const known = activations.get(activation);
    if (known === undefined) throw internalError(`no activation ${activation}`);
    this.activation = known;
  }

  forward(x: Tensor): Tensor {
    return this.down_proj.forward(mul(this.activation(this.gate_proj.forward(x)), this.up_proj.forward(x)));
  }
}

class Block extends Module {
  readonly input_layernorm: RMSNorm;
  readonly self_attn: Attention;
  readonly post_attention_layernorm: RMSNorm;
  readonly mlp: MLP;

  constructor(source: ParameterSource, config: LlamaConfig, layer: number) {
    super();
    const norm = (name: string) => new RMSNorm(source.at(name), config.hiddenSize, config.normEpsilon);
    this.input_layernorm = norm("input_layernorm");
    this.self_attn = new Attention(source.at("self_attn"), config, layer);
    this.post_attention_layernorm = norm("post_attention_layernorm");
    this.mlp = new MLP(source.at("mlp"), config);
  }

  /** Scopes free what the next part does not read; autograd keeps what it needs by itself. */
  forward(x: Tensor, pass: Pass): Tensor {
    const attended = scope(() => add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass)));
    const result = scope(() =>
      add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended))),
    );
    attended.dispose();
    return result;
  }
}

class Decoder extends Module {
  readonly embed_tokens: Embedding;
  readonly layers: readonly Block[];
  readonly norm: RMSNorm;
  private readonly rotary: Rotary;

  constructor(source: ParameterSource, config: LlamaConfig) {
    super();
    this.embed_tokens = new Embedding(source.at("embed_tokens"), config.vocabSize, config.hiddenSize);
    this.layers = Array.from(
      { length: config.layers },
      (_, i) => new Block(source.at(`layers.${i}`), config, i),
    );
    this.norm = new RMSNorm(source.at("norm"), config.hiddenSize, config.normEpsilon);
    this.rotary = new Rotary(config.rope, config);
  }

  forward(stream: TokenStream): Tensor {
    let hidden = this.embed_tokens.forward(stream.tokens);
    const rotation = this.rotary.rotation(stream, hidden);
    for (const block of this.layers) {
      const next = block.forward(hidden, { stream, rotation });
      hidden.dispose();
      hidden = next;
    }
    advanceCaches(stream);
    return this.norm.forward(hidden);
  }

  override dispose(): void {
    super.dispose();
    this.rotary.dispose();
  }
}

/** Llama 2 and 3.x, and the models that share their layout (SmolLM2, TinyLlama, …). */
export class LlamaForCausalLM extends Module implements CausalLM {
  readonly model: Decoder;
  readonly lm_head: Linear;
  private readonly config: LlamaConfig;

  constructor(source: ParameterSource, config: LlamaConfig) {
    super();
    this.config = config;
    this.model = new Decoder(source.at("model"), config);
    this.lm_head = config.tieEmbeddings
      ? new Linear(this.model.embed_tokens.weight)
      : Linear.from(source.at("lm_head"), config.hiddenSize, config.vocabSize, false);
  }

  get info(): ModelInfo {
    const { vocabSize, hiddenSize, layers, maxPositions } = this.config;
    const embedding = this.model.embed_tokens.weight;
    return {
      family: "llama",
      vocabSize,
      hiddenSize,
      layers,
      maxPositions,
      tiedEmbeddings: this.lm_head.weight === embedding,
      dtype: embedding.dtype,
    };
  }

  hiddenStates(stream: TokenStream): Tensor {
    return scope(() => this.model.forward(stream));
  }

  newCache(): KeyValueCache {
    return new KeyValueCache(this.config.layers);
  }

  override dispose(): void {
    super.dispose();
    this.model.dispose();
  }
}
