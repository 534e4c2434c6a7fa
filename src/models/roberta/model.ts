import {
  type ClassifierInfo,
  dropout,
  Linear,
  Module,
  type ParameterSource,
  type SequenceClassifier,
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
import { PlainEmbeddings } from "../encoder/embeddings.ts";
import type { ClassifierTask } from "../encoder/family.ts";
import { classifierInfo } from "../encoder/info.ts";
import { PlainEncoder } from "../encoder/layers.ts";
import { firstRows } from "../encoder/pooling.ts";

class Roberta extends Module {
  readonly embeddings: PlainEmbeddings;
  readonly encoder: PlainEncoder;

  constructor(source: ParameterSource, config: BertConfig) {
    super();
    this.embeddings = new PlainEmbeddings(source.at("embeddings"), config, config.padding);
    this.encoder = new PlainEncoder(source.at("encoder"), config);
  }
}

/** Two layers on the first token, dropout before each. */
class ClassificationHead extends Module {
  readonly dense: Linear;
  readonly out_proj: Linear;
  private readonly rate: number;

  constructor(source: ParameterSource, { hiddenSize, classifierDropout }: BertConfig, labels: number) {
    super();
    this.dense = Linear.from(source.at("dense"), hiddenSize, hiddenSize, true);
    this.out_proj = Linear.from(source.at("out_proj"), hiddenSize, labels, true);
    this.rate = classifierDropout;
  }

  forward(hidden: Tensor, stream: TokenStream): Tensor {
    const first = dropout(firstRows(hidden, stream), this.rate, stream.dropout);
    return this.out_proj.forward(dropout(tanh(this.dense.forward(first)), this.rate, stream.dropout));
  }
}

/** RoBERTa (arXiv 1907.11692) with its classification head. */
export class RobertaForSequenceClassification extends Module implements SequenceClassifier {
  readonly roberta: Roberta;
  readonly classifier: ClassificationHead;
  private readonly config: BertConfig;
  private readonly task: ClassifierTask;

  constructor(source: ParameterSource, config: BertConfig, task: ClassifierTask) {
    super();
    this.config = config;
    this.task = task;
    this.roberta = new Roberta(source.at("roberta"), config);
    this.classifier = new ClassificationHead(source.at("classifier"), config, task.names.length);
  }

  get info(): ClassifierInfo {
    const maxPositions = this.config.positions - this.config.padding - 1;
    const { dtype } = this.classifier.dense.weight;
    return classifierInfo("roberta", this.config, this.task, { maxPositions, dtype, head: ["classifier"] });
  }

  hiddenStates(stream: TokenStream): Tensor {
    const { embeddings, encoder } = this.roberta;
    return scope(() => {
      const positions = paddedPositions(stream, this.config.padding);
      return encoder.forward(embeddings.forward(stream, positions), stream);
    });
  }

  logits(stream: TokenStream): Tensor {
    return scope(() => this.classifier.forward(this.hiddenStates(stream), stream));
  }
}

/**
 * RoBERTa counts the tokens of a sequence that are not the padding token, from `padding` + 1 on; a padding token that a
 * text spells out stands at position `padding`.
 */
function paddedPositions({ tokens, positions }: TokenStream, padding: number): Tensor {
  const counted = toDType(neScalar(tokens, padding), "int64");
  const upTo = cumsum(counted, 0);
  const [rows] = tokens.shape;
  const starts = sub(arange(0, rows, "int64", null, tokens.device), positions);
  const before = indexSelect(sub(upTo, counted), 0, starts);
  return addScalar(mul(sub(upTo, before), counted), padding);
}
