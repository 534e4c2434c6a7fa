import type { KeyValueCache } from "../nn/index.ts";
import {
  type CausalLM,
  Embedding,
  Linear,
  LMHead,
  type ModelInfo,
  Module,
  RMSNorm,
  randomParameters,
  type TokenStream,
} from "../nn/index.ts";
import type { DType, Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";

export interface TinyLMOptions {
  vocabSize?: number;
  hiddenSize?: number;
  tied?: boolean;
  dtype?: DType;
  device?: string;
  seed?: number;
  softCap?: number;
}

/** The smallest causal language model that learns something: each token predicts the next through one layer. */
export class TinyLM extends Module implements CausalLM {
  readonly info: ModelInfo;
  readonly embed_tokens: Embedding;
  readonly mix: Linear;
  readonly norm: RMSNorm;
  readonly lm_head: LMHead;

  constructor({
    vocabSize = 13,
    hiddenSize = 8,
    tied = false,
    dtype = "float32",
    device = "cpu",
    seed = 7,
    softCap,
  }: TinyLMOptions = {}) {
    super();
    using generator = new torch.Generator(seed, device);
    const source = randomParameters(generator, 0.3, dtype);
    this.info = {
      family: "tiny",
      vocabSize,
      hiddenSize,
      layers: 1,
      maxPositions: 1024,
      tiedEmbeddings: tied,
      dtype,
    };
    this.embed_tokens = new Embedding(source.withPrefix("embed_tokens"), vocabSize, hiddenSize);
    this.mix = Linear.fromSource(source.withPrefix("mix"), hiddenSize, hiddenSize, true);
    this.norm = new RMSNorm(source.withPrefix("norm"), hiddenSize, { epsilon: 1e-6 });
    const head = () => source.withPrefix("lm_head").take("weight", [vocabSize, hiddenSize], "weight");
    this.lm_head = new LMHead(tied ? this.embed_tokens.weight : head(), softCap);
  }

  hiddenStates({ tokens }: TokenStream): Tensor {
    const x = this.embed_tokens.forward(tokens);
    return this.norm.forward(torch.add(x, torch.tanh(this.mix.forward(x))));
  }

  newCache(): KeyValueCache {
    throw new Error("the tiny model of the tests does not generate");
  }
}
