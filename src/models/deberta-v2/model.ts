import {
  type ClassifierInfo,
  dropout,
  Embedding,
  LayerNorm,
  Linear,
  Module,
  type ParameterSource,
  type SequenceClassifier,
  segments,
  type TokenStream,
} from "../../nn/index.ts";
import { add, narrow, scope, type Tensor } from "../../torch/index.ts";
import { typeRows } from "../encoder/embeddings.ts";
import type { ClassifierTask } from "../encoder/family.ts";
import { classifierInfo } from "../encoder/info.ts";
import { activationOf, EncoderLayer } from "../encoder/layers.ts";
import { Pooler } from "../encoder/pooling.ts";
import { type DebertaPass, DisentangledSelfAttention } from "./attention.ts";
import type { DebertaConfig } from "./config.ts";
import { ConvLayer } from "./convolution.ts";
import { relativePositions } from "./positions.ts";

class Embeddings extends Module {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding | undefined;
  readonly token_type_embeddings: Embedding | undefined;
  readonly embed_proj: Linear | undefined;
  readonly LayerNorm: LayerNorm;
  private readonly rate: number;

  constructor(source: ParameterSource, config: DebertaConfig) {
    super();
    const { hiddenSize, embeddingSize, absolutePositions, positions, tokenTypes } = config;
    const table = (name: string, rows: number, pad?: number) =>
      new Embedding(source.at(name), rows, embeddingSize, { padding: pad });
    this.word_embeddings = table("word_embeddings", config.vocabSize, config.padding);
    this.position_embeddings = absolutePositions ? table("position_embeddings", positions) : undefined;
    this.token_type_embeddings = tokenTypes > 0 ? table("token_type_embeddings", tokenTypes) : undefined;
    this.embed_proj =
      embeddingSize === hiddenSize
        ? undefined
        : Linear.from(source.at("embed_proj"), embeddingSize, hiddenSize, false);
    this.LayerNorm = new LayerNorm(source.at("LayerNorm"), hiddenSize, config.normEpsilon);
    this.rate = config.hiddenDropout;
  }

  forward({ tokens, positions, tokenTypes, dropout: generator }: TokenStream): Tensor {
    let x = this.word_embeddings.forward(tokens);
    if (this.position_embeddings) x = add(x, this.position_embeddings.forward(positions));
    if (this.token_type_embeddings) x = add(x, typeRows(this.token_type_embeddings, tokenTypes));
    if (this.embed_proj) x = this.embed_proj.forward(x);
    return dropout(this.LayerNorm.forward(x), this.rate, generator);
  }
}

class Encoder extends Module {
  readonly layer: readonly EncoderLayer<DebertaPass>[];
  readonly rel_embeddings: Embedding | undefined;
  readonly LayerNorm: LayerNorm | undefined;
  readonly conv: ConvLayer | undefined;
  private readonly config: DebertaConfig;

  constructor(source: ParameterSource, config: DebertaConfig) {
    super();
    this.config = config;
    const { hiddenSize, buckets, maxDistance, normEpsilon, convolution } = config;
    this.layer = Array.from(
      { length: config.layers },
      (_, i) =>
        new EncoderLayer<DebertaPass>(
          source.at(`layer.${i}`),
          config,
          (own) => new DisentangledSelfAttention(own, config),
        ),
    );
    const span = buckets > 0 ? buckets : maxDistance;
    if (config.relativePositions)
      this.rel_embeddings = new Embedding(source.at("rel_embeddings"), 2 * span, hiddenSize);
    if (config.normedPositions)
      this.LayerNorm = new LayerNorm(source.at("LayerNorm"), hiddenSize, normEpsilon);
    if (convolution) this.conv = new ConvLayer(source.at("conv"), config, convolution);
  }

  /** @param embedded `[T, hidden]`; so is the result */
  forward(embedded: Tensor, stream: TokenStream): Tensor {
    const pass: DebertaPass = { stream, relative: this.relative(stream, embedded.device) };
    let hidden = embedded;
    for (const [i, layer] of this.layer.entries()) {
      const next = layer.forward(hidden, pass);
      hidden = i === 0 && this.conv ? this.conv.forward(embedded, next, stream) : next;
    }
    return hidden;
  }

  /** The rows of the table of relative positions that the stream's sequences need, normed where the config says so. */
  private relative(stream: TokenStream, device: string): DebertaPass["relative"] {
    if (!this.rel_embeddings) return undefined;
    const lengths = segments(stream.offsets).map(({ length }) => length);
    const positions = relativePositions(this.config, lengths, device);
    const used = narrow(this.rel_embeddings.weight, 0, positions.first, positions.count);
    return { positions, embeddings: this.LayerNorm ? this.LayerNorm.forward(used) : used };
  }
}

class Deberta extends Module {
  readonly embeddings: Embeddings;
  readonly encoder: Encoder;

  constructor(source: ParameterSource, config: DebertaConfig) {
    super();
    this.embeddings = new Embeddings(source.at("embeddings"), config);
    this.encoder = new Encoder(source.at("encoder"), config);
  }
}

/** DeBERTa-v2 and -v3 (arXiv 2006.03654, 2111.09543) with their context pooler and classifier. */
export class DebertaV2ForSequenceClassification extends Module implements SequenceClassifier {
  readonly deberta: Deberta;
  readonly pooler: Pooler;
  readonly classifier: Linear;
  private readonly config: DebertaConfig;
  private readonly task: ClassifierTask;

  constructor(source: ParameterSource, config: DebertaConfig, task: ClassifierTask) {
    super();
    this.config = config;
    this.task = task;
    const { hiddenSize, poolerActivation, poolerDropout } = config;
    this.deberta = new Deberta(source.at("deberta"), config);
    this.pooler = new Pooler(source.at("pooler"), hiddenSize, activationOf(poolerActivation), poolerDropout);
    this.classifier = Linear.from(source.at("classifier"), hiddenSize, task.names.length, true);
  }

  get info(): ClassifierInfo {
    const { dtype } = this.classifier.weight;
    const own = { maxPositions: this.config.positions, dtype, head: ["pooler", "classifier"] };
    return classifierInfo("deberta-v2", this.config, this.task, own);
  }

  hiddenStates(stream: TokenStream): Tensor {
    const { embeddings, encoder } = this.deberta;
    return scope(() => encoder.forward(embeddings.forward(stream), stream));
  }

  logits(stream: TokenStream): Tensor {
    return scope(() => {
      const pooled = this.pooler.forward(this.hiddenStates(stream), stream);
      return this.classifier.forward(dropout(pooled, this.config.classifierDropout, stream.dropout));
    });
  }
}
