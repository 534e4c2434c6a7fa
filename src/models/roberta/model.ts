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
import {
  addScalar,
  arange,
  cumsum,
  indexSelect,
  mul,
  neScalar,
  scope,
  sub,
  type Tensor,
  tanh,
  toDType,
} from "../../torch/index.ts";
import type { BertConfig } from "../bert/config.ts";
import { BertEncoder } from "../encoder/bert-encoder.ts";
import type { ClassifierHeadConfig } from "../encoder/classifier-family.ts";
import { BertEmbeddings } from "../encoder/embeddings.ts";
import { makeClassifierInfo } from "../encoder/make-classifier-info.ts";
import { firstTokenStates } from "../encoder/pooling.ts";
import { usablePositions } from "./config.ts";

class Roberta extends Module {
  readonly embeddings: BertEmbeddings;
  readonly encoder: BertEncoder;

  constructor(source: ParameterSource, config: BertConfig) {
    super();
    this.embeddings = new BertEmbeddings(source.withPrefix("embeddings"), config, config.padTokenId);
    this.encoder = new BertEncoder(source.withPrefix("encoder"), config);
  }
}

/** Two linear layers on the first token, with dropout before each. */
class ClassificationHead extends Module {
  readonly dense: Linear;
  readonly out_proj: Linear;
  private readonly rate: number;

  constructor(source: ParameterSource, { hiddenSize, classifierDropout }: BertConfig, labels: number) {
    super();
    this.dense = Linear.fromSource(source.withPrefix("dense"), hiddenSize, hiddenSize, true);
    this.out_proj = Linear.fromSource(source.withPrefix("out_proj"), hiddenSize, labels, true);
    this.rate = classifierDropout;
  }

  forward(hidden: Tensor, stream: TokenStream): Tensor {
    const first = dropout(firstTokenStates(hidden, stream), this.rate, stream.dropout);
    return this.out_proj.forward(dropout(tanh(this.dense.forward(first)), this.rate, stream.dropout));
  }
}

/** RoBERTa (arXiv 1907.11692) with its classification head. */
export class RobertaForSequenceClassification extends Module implements SequenceClassifier {
  readonly roberta: Roberta;
  readonly classifier: ClassificationHead;
  private readonly config: BertConfig;
  private readonly headConfig: ClassifierHeadConfig;

  constructor(source: ParameterSource, config: BertConfig, task: ClassifierHeadConfig) {
    super();
    this.config = config;
    this.headConfig = task;
    this.roberta = new Roberta(source.withPrefix("roberta"), config);
    this.classifier = new ClassificationHead(source.withPrefix("classifier"), config, task.names.length);
  }

  get info(): ClassifierInfo {
    const { dtype } = this.classifier.dense.weight;
    return makeClassifierInfo("roberta", this.config, this.headConfig, {
      maxPositions: usablePositions(this.config),
      dtype,
      headModules: ["classifier"],
    });
  }

  hiddenStates(stream: TokenStream): Tensor {
    const { embeddings, encoder } = this.roberta;
    return scopeOfPass(stream, () => {
      const positions = positionIdsFromTokens(stream, this.config.padTokenId);
      return encoder.forward(embeddings.forward(stream, positions), stream);
    });
  }

  logits(stream: TokenStream): Tensor {
    return scope(() => this.classifier.forward(this.hiddenStates(stream), stream));
  }
}

/**
 * RoBERTa's position ids: the tokens of a sequence count from `padding` + 1; a padding token written in a text does not count
 * and has position `padding`.
 */
function positionIdsFromTokens({ tokens, positions }: TokenStream, padding: number): Tensor {
  const counted = toDType(neScalar(tokens, padding), "int64");
  const upTo = cumsum(counted, 0);
  const rows = tokens.size(0);
  const starts = sub(arange(0, rows, { dtype: "int64", device: tokens.device }), positions);
  const before = indexSelect(sub(upTo, counted), 0, starts);
  return addScalar(mul(sub(upTo, before), counted), padding);
}
