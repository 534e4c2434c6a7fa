import {
  type ClassifierInfo,
  dropout,
  Linear,
  Module,
  type ParameterSource,
  type SequenceClassifier,
  scopeOfPass,
  type TokenStream,
} from "../../nn/index.ts";
import { scope, type Tensor, tanh } from "../../torch/index.ts";
import { BertEncoder } from "../encoder/bert-encoder.ts";
import type { ClassifierHeadConfig } from "../encoder/classifier-family.ts";
import { BertEmbeddings } from "../encoder/embeddings.ts";
import { makeClassifierInfo } from "../encoder/make-classifier-info.ts";
import { Pooler } from "../encoder/pooling.ts";
import type { BertConfig } from "./config.ts";

class Bert extends Module {
  readonly embeddings: BertEmbeddings;
  readonly encoder: BertEncoder;
  readonly pooler: Pooler;

  constructor(source: ParameterSource, config: BertConfig) {
    super();
    this.embeddings = new BertEmbeddings(source.withPrefix("embeddings"), config);
    this.encoder = new BertEncoder(source.withPrefix("encoder"), config);
    this.pooler = new Pooler(source.withPrefix("pooler"), config.hiddenSize, (x) => tanh(x), 0);
  }
}

/** BERT (arXiv 1810.04805) with a linear layer on its pooled first token. */
export class BertForSequenceClassification extends Module implements SequenceClassifier {
  readonly bert: Bert;
  readonly classifier: Linear;
  private readonly config: BertConfig;
  private readonly headConfig: ClassifierHeadConfig;

  constructor(source: ParameterSource, config: BertConfig, task: ClassifierHeadConfig) {
    super();
    this.config = config;
    this.headConfig = task;
    this.bert = new Bert(source.withPrefix("bert"), config);
    this.classifier = Linear.fromSource(
      source.withPrefix("classifier"),
      config.hiddenSize,
      task.names.length,
      true,
    );
  }

  get info(): ClassifierInfo {
    const maxPositions = this.config.maxPositionEmbeddings;
    const { dtype } = this.classifier.weight;
    return makeClassifierInfo("bert", this.config, this.headConfig, {
      maxPositions,
      dtype,
      headModules: ["classifier"],
    });
  }

  hiddenStates(stream: TokenStream): Tensor {
    const { embeddings, encoder } = this.bert;
    return scopeOfPass(stream, () => encoder.forward(embeddings.forward(stream, stream.positions), stream));
  }

  logits(stream: TokenStream): Tensor {
    return scope(() => {
      const pooled = this.bert.pooler.forward(this.hiddenStates(stream), stream);
      return this.classifier.forward(dropout(pooled, this.config.classifierDropout, stream.dropout));
    });
  }
}
