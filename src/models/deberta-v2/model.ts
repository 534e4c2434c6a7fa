import {
  type ClassifierInfo,
  dropout,
  Embedding,
  groupByLength,
  LayerNorm,
  Linear,
  Module,
  type ParameterSource,
  runBlocks,
  type SequenceClassifier,
  scopeOfPass,
  type TokenStream,
} from "../../nn/index.ts";
import { add, narrow, scope, type Tensor } from "../../torch/index.ts";
import { activationOf, EncoderLayer } from "../encoder/bert-encoder.ts";
import type { ClassifierHeadConfig } from "../encoder/classifier-family.ts";
import { typeRows } from "../encoder/embeddings.ts";
import { makeClassifierInfo } from "../encoder/make-classifier-info.ts";
import { Pooler } from "../encoder/pooling.ts";
import { type DebertaContext, DisentangledSelfAttention } from "./attention.ts";
import type { DebertaConfig } from "./config.ts";
import { ConvLayer } from "./convolution.ts";
import { relativePositions } from "./relative-positions.ts";

class Embeddings extends Module {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding | undefined;
  readonly token_type_embeddings: Embedding | undefined;
  readonly embed_proj: Linear | undefined;
  readonly LayerNorm: LayerNorm;
  private readonly rate: number;

  constructor(source: ParameterSource, config: DebertaConfig) {
    super();
    const { hiddenSize, embeddingSize, absolutePositions, maxPositionEmbeddings, typeVocabSize } = config;
    const table = (name: string, rows: number, pad?: number) =>
      new Embedding(source.withPrefix(name), rows, embeddingSize, { padding: pad });
    this.word_embeddings = table("word_embeddings", config.vocabSize, config.padTokenId);
    this.position_embeddings = absolutePositions
      ? table("position_embeddings", maxPositionEmbeddings)
      : undefined;
    this.token_type_embeddings =
      typeVocabSize > 0 ? table("token_type_embeddings", typeVocabSize) : undefined;
    this.embed_proj =
      embeddingSize === hiddenSize
        ? undefined
        : Linear.fromSource(source.withPrefix("embed_proj"), embeddingSize, hiddenSize, false);
    this.LayerNorm = new LayerNorm(source.withPrefix("LayerNorm"), hiddenSize, config.normEpsilon);
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
  readonly layer: readonly EncoderLayer<DebertaContext>[];
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
        new EncoderLayer<DebertaContext>(
          source.withPrefix(`layer.${i}`),
          config,
          (own) => new DisentangledSelfAttention(own, config),
        ),
    );
    const span = buckets > 0 ? buckets : maxDistance;
    if (config.relativePositions)
      this.rel_embeddings = new Embedding(source.withPrefix("rel_embeddings"), 2 * span, hiddenSize);
    if (config.normedPositions)
      this.LayerNorm = new LayerNorm(source.withPrefix("LayerNorm"), hiddenSize, normEpsilon);
    if (convolution) this.conv = new ConvLayer(source.withPrefix("conv"), config, convolution);
  }

  /** @param embedded `[T, hidden]`, which is freed; the result is `[T, hidden]` */
  forward(embedded: Tensor, stream: TokenStream): Tensor {
    const pass: DebertaContext = { stream, relative: this.relative(stream, embedded.device) };
    const blocks = this.layer.map((layer, i) => (hidden: Tensor) => {
      const next = layer.forward(hidden, pass);
      return i === 0 && this.conv ? this.conv.forward(hidden, next, stream) : next;
    });
    return runBlocks(blocks, embedded, stream);
  }

  /** The relative position embeddings that the stream's sequences need, normalised where the config asks for it. */
  private relative(stream: TokenStream, device: string): DebertaContext["relative"] {
    if (!this.rel_embeddings) return undefined;
    const lengths = groupByLength(stream.offsets).map(({ length }) => length);
    const positions = relativePositions(this.config, lengths, device);
    const used = narrow(this.rel_embeddings.denseWeight(), 0, positions.first, positions.count);
    const embeddings = this.LayerNorm ? this.LayerNorm.forward(used) : used;
    return { positions, embeddings: stream.recompute?.share(embeddings) ?? embeddings };
  }
}

class Deberta extends Module {
  readonly embeddings: Embeddings;
  readonly encoder: Encoder;

  constructor(source: ParameterSource, config: DebertaConfig) {
    super();
    this.embeddings = new Embeddings(source.withPrefix("embeddings"), config);
    this.encoder = new Encoder(source.withPrefix("encoder"), config);
  }
}

/** DeBERTa-v2 and -v3 (arXiv 2006.03654, 2111.09543) with their context pooler and classifier. */
export class DebertaV2ForSequenceClassification extends Module implements SequenceClassifier {
  readonly deberta: Deberta;
  readonly pooler: Pooler;
  readonly classifier: Linear;
  private readonly config: DebertaConfig;
  private readonly headConfig: ClassifierHeadConfig;

  constructor(source: ParameterSource, config: DebertaConfig, task: ClassifierHeadConfig) {
    super();
    this.config = config;
    this.headConfig = task;
    const { hiddenSize, poolerActivation, poolerDropout } = config;
    this.deberta = new Deberta(source.withPrefix("deberta"), config);
    this.pooler = new Pooler(
      source.withPrefix("pooler"),
      hiddenSize,
      activationOf(poolerActivation),
      poolerDropout,
    );
    this.classifier = Linear.fromSource(source.withPrefix("classifier"), hiddenSize, task.names.length, true);
  }

  get info(): ClassifierInfo {
    const { dtype } = this.classifier.weight;
    const own = {
      maxPositions: this.config.maxPositionEmbeddings,
      dtype,
      headModules: ["pooler", "classifier"],
    };
    return makeClassifierInfo("deberta-v2", this.config, this.headConfig, own);
  }

  hiddenStates(stream: TokenStream): Tensor {
    const { embeddings, encoder } = this.deberta;
    return scopeOfPass(stream, () => encoder.forward(embeddings.forward(stream), stream));
  }

  logits(stream: TokenStream): Tensor {
    return scope(() => {
      const pooled = this.pooler.forward(this.hiddenStates(stream), stream);
      return this.classifier.forward(dropout(pooled, this.config.classifierDropout, stream.dropout));
    });
  }
}
