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

/** Words, positions and token types, added, normed and dropped out, as BERT and RoBERTa start. */
export class PlainEmbeddings extends Module {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding;
  readonly token_type_embeddings: Embedding;
  readonly LayerNorm: LayerNorm;
  private readonly rate: number;

  /** @param positionPadding the row of the position table that gets no gradient */
  constructor(source: ParameterSource, config: EncoderConfig, positionPadding = -1) {
    super();
    const { vocabSize, hiddenSize, positions, tokenTypes, padding } = config;
    const table = (name: string, rows: number, pad?: number) =>
      new Embedding(source.at(name), rows, hiddenSize, { padding: pad });
    this.word_embeddings = table("word_embeddings", vocabSize, padding);
    this.position_embeddings = table("position_embeddings", positions, positionPadding);
    this.token_type_embeddings = table("token_type_embeddings", tokenTypes);
    this.LayerNorm = new LayerNorm(source.at("LayerNorm"), hiddenSize, config.normEpsilon);
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
  return tokenTypes === undefined ? narrow(table.weight, 0, 0, 1) : table.forward(tokenTypes);
}
