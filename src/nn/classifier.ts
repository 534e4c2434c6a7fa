import type { Tensor } from "../torch/index.ts";
import type { CausalLM, CommonModelInfo, TokenStream } from "./causal-lm.ts";
import type { Module } from "./module.ts";

/** What of a classifier's config the rest of the project asks for. */
export interface ClassifierInfo extends CommonModelInfo {
  /** The classes in the order of the logits; of a regression the one number's name. */
  labels: readonly string[];
  /** Whether the one logit is a number to predict rather than a class's score. */
  regression: boolean;
  /** Parts of a pair that have an embedding of their own; below 2 the model does not tell them apart. */
  tokenTypeCount: number;
  /** Parts that make the logits of pooled outputs, by path: adapters leave them alone, they are trained whole. */
  headModules: readonly string[];
  /** Parameters that the model's files do not hold, which have a random start. */
  newlyInitialized: readonly string[];
}

/** A model that says one thing of a whole sequence: its class, or a number. */
export interface SequenceClassifier extends Module {
  readonly info: ClassifierInfo;
  /** `[T, hidden]`, of the last layer. */
  hiddenStates(stream: TokenStream): Tensor;
  /** `[S, labels]`, one row for each sequence of the stream. */
  logits(stream: TokenStream): Tensor;
}

/** Every kind of model that can be trained. */
export type TrainableModel = CausalLM | SequenceClassifier;

/** Tells classifiers from other models. */
export function isClassifier(model: Module): model is SequenceClassifier {
  return "logits" in model;
}
