import {
  advanceCaches,
  type CausalLM,
  Embedding,
  KeyValueCache,
  Linear,
  LMHead,
  type ModelInfo,
  Module,
  type ParameterSource,
  RMSNorm,
  RotaryEmbedding,
  requireModel,
  requireWeights,
  runBlocks,
  scopeOfPass,
  type TokenStream,
} from "../../nn/index.ts";
import { Tensor } from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import type { DecoderConfig } from "./config.ts";
import { type DecoderLayer, PreNormLayer, SandwichNormLayer } from "./decoder-layer.ts";

class Decoder extends Module {
  readonly embed_tokens: Embedding;
  readonly layers: readonly DecoderLayer[];
  readonly norm: RMSNorm;
  private readonly rotaries: readonly RotaryEmbedding[];
  /** By layer, the index of its rotary embedding. */
  private readonly rotaryByLayer: readonly number[];

  constructor(source: ParameterSource, config: DecoderConfig) {
    super();
    const { vocabSize, hiddenSize, embeddingScale } = config;
    this.embed_tokens = new Embedding(source.withPrefix("embed_tokens"), vocabSize, hiddenSize, {
      scale: embeddingScale,
    });
    const BlockType = config.sandwichNorms ? SandwichNormLayer : PreNormLayer;
    this.layers = config.layers.map((_, i) => new BlockType(source.withPrefix(`layers.${i}`), config, i));
    this.norm = new RMSNorm(source.withPrefix("norm"), hiddenSize, config.norm);
    const ropes = [...new Set(config.layers.map(({ rope }) => rope))];
    this.rotaries = ropes.map((rope) => new RotaryEmbedding(rope, config));
    this.rotaryByLayer = config.layers.map(({ rope }) => ropes.indexOf(rope));
  }

  forward(stream: TokenStream): Tensor {
    const embedded = this.embed_tokens.forward(stream.tokens);
    const rotations = this.rotaries.map((rotary) => rotary.cosSin(stream, embedded));
    const blocks = this.layers.map((layer, i) => {
      const rotation = elementAt(rotations, elementAt(this.rotaryByLayer, i));
      return (hidden: Tensor) => layer.forward(hidden, { stream, rotation });
    });
    const hidden = runBlocks(blocks, embedded, stream);
    advanceCaches(stream);
    return this.norm.forward(hidden);
  }

  override dispose(): void {
    super.dispose();
    for (const rotary of this.rotaries) rotary.dispose();
  }
}

/** A decoder of any family; the families differ in their configs only. */
export class DecoderForCausalLM extends Module implements CausalLM {
  readonly model: Decoder;
  readonly lm_head: LMHead;
  private readonly config: DecoderConfig;

  constructor(source: ParameterSource, config: DecoderConfig) {
    super();
    const { vocabSize, hiddenSize } = config;
    this.config = config;
    this.model = new Decoder(source.withPrefix("model"), config);
    const weight = config.tieEmbeddings
      ? this.model.embed_tokens.weight
      : Linear.fromSource(source.withPrefix("lm_head"), hiddenSize, vocabSize, false).weight;
    this.lm_head = new LMHead(weight, config.finalLogitSoftcap);
  }

  get info(): ModelInfo {
    const { family, leftOut, vocabSize, hiddenSize, layers, maxPositions } = this.config;
    const embedding = this.model.embed_tokens.weight;
    return {
      family,
      vocabSize,
      hiddenSize,
      layers: layers.length,
      maxPositions,
      tiedEmbeddings: this.lm_head.weight === embedding,
      dtype: embedding instanceof Tensor ? requireWeights(embedding, this).dtype : embedding.dtype,
      ...(leftOut !== undefined && { leftOut }),
    };
  }

  hiddenStates(stream: TokenStream): Tensor {
    requireModel(this);
    return scopeOfPass(stream, () => this.model.forward(stream));
  }

  newCache(): KeyValueCache {
    return new KeyValueCache(this.config.layers.length);
  }

  override dispose(): void {
    super.dispose();
    this.model.dispose();
  }
}
