import type { ParameterSource, SequenceClassifier } from "../../nn/index.ts";
import type { ConfigLabels } from "./labels.ts";

/** A family of classifiers, as registered in `src/models/classifier-families.ts`; each has a folder under `src/models`. */
export interface ClassifierFamily {
  /** The key of `config.json` for the dropout before the classifier. */
  headDropoutKey: string;
  /** Parses `config.json`. @param where location of the config, for messages */
  parse(config: Readonly<Record<string, unknown>>, where: string): ParsedClassifier;
}

/** Labels and initialisation of a classifier's head. */
export interface ClassifierHeadConfig extends ConfigLabels {
  /** Names of the newly initialised parameters; complete once the model is built. */
  newlyInitialized: readonly string[];
}

/** A parsed, valid config. */
export interface ParsedClassifier {
  /** Name of transformers' class. */
  architecture: string;
  /** Prefix of the encoder's parameter names, which files of a bare encoder lack. */
  baseModelPrefix: string;
  labels: ConfigLabels;
  /** Longest sequence, in tokens. */
  maxPositions: number;
  /** Number of token types. */
  typeVocabSize: number;
  /** Standard deviation of newly initialised weights. */
  initializerRange: number;
  /** Parameters of the head, which files of a bare encoder lack. */
  headWeights: RegExp;
  /** Tensors in files that the model does not use: heads of other tasks, stored position ids. */
  ignoredWeights: RegExp;
  build(source: ParameterSource, task: ClassifierHeadConfig): SequenceClassifier;
}
