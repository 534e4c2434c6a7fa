import {
  dropout,
  Embedding,
  LayerNorm,
  Module,
  type ParameterSource,
  type TokenStream,
} from "../../nn/index.ts";
import { add, narrow, type Tensor } from "../../torch/index.ts";
import type { EncoderConfig } from "./config.ts";

/** Embeddings of BERT and RoBERTa: the sum of word, position and token type embeddings, then norm and dropout. */
export class BertEmbeddings extends Module {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding;
  readonly token_type_embeddings: Embedding;
  readonly LayerNorm: LayerNorm;
  private readonly rate: number;

  /** @param positionPadding the row of the position table that gets no gradient */
  constructor(source: ParameterSource, config: EncoderConfig, positionPadding = -1) {
    super();
    const { vocabSize, hiddenSize, maxPositionEmbeddings, typeVocabSize, padTokenId } = config;
    const table = (name: string, rows: number, pad?: number) =>
      new Embedding(source.withPrefix(name), rows, hiddenSize, { padding: pad });
    this.word_embeddings = table("word_embeddings", vocabSize, padTokenId);
    this.position_embeddings = table("position_embeddings", maxPositionEmbeddings, positionPadding);
    this.token_type_embeddings = table("token_type_embeddings", typeVocabSize);
    this.LayerNorm = new LayerNorm(source.withPrefix("LayerNorm"), hiddenSize, config.normEpsilon);
    this.rate = config.hiddenDropout;
  }

  /** @param positions int64 `[T]`; the result is `[T, hidden]` */
  forward({ tokens, tokenTypes, dropout: generator }: TokenStream, positions: Tensor): Tensor {
    const typed = add(this.word_embeddings.forward(tokens), typeRows(this.token_type_embeddings, tokenTypes));
    const embedded = add(typed, this.position_embeddings.forward(positions));
    return dropout(this.LayerNorm.forward(embedded), this.rate, generator);
  }
}

/** The embeddings of the token types, or of type 0 as one row for all tokens. */
export function typeRows(table: Embedding, tokenTypes: Tensor | undefined): Tensor {
  return tokenTypes === undefined ? narrow(table.denseWeight(), 0, 0, 1) : table.forward(tokenTypes);
}
