import type { Tensor } from "../torch/index.ts";
import type { CausalLM, CommonModelInfo, TokenStream } from "./causal-lm.ts";
import type { Module } from "./module.ts";

/** Model metadata of a classifier. */
export interface ClassifierInfo extends CommonModelInfo {
  /** Names of the classes in the order of the logits; for a regression the name of its one output. */
  labels: readonly string[];
  /** Whether the model has one output, a predicted number, in place of class logits. */
  regression: boolean;
  /** Rows of the token type embedding; below 2 the model does not distinguish the texts of a pair. */
  tokenTypeCount: number;
  /** Paths of the head modules (pooler, classifier): trained in full, never adapted, as PEFT's `modules_to_save`. */
  headModules: readonly string[];
  /** Parameters that the model's files do not hold, initialised at random. */
  newlyInitialized: readonly string[];
}

/** A model that predicts a class or a number for each sequence. */
export interface SequenceClassifier extends Module {
  readonly info: ClassifierInfo;
  /** As of `CausalLM`. */
  path?: string;
  /** Hidden states `[T, hidden]` of the last layer. */
  hiddenStates(stream: TokenStream): Tensor;
  /** Logits `[S, labels]`, one row for each sequence of the stream. */
  logits(stream: TokenStream): Tensor;
}

/** Every kind of model that can be trained. */
export type TrainableModel = CausalLM | SequenceClassifier;

/** Whether a model is a classifier. */
export function isClassifier(model: Module): model is SequenceClassifier {
  return "logits" in model;
}
