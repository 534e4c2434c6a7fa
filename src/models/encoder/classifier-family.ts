import type { ParameterSource, SequenceClassifier } from "../../nn/index.ts";
import type { ConfigLabels } from "./labels.ts";

/** What a family of classifiers gives the registry; one folder under `src/models` each. */
export interface ClassifierFamily {
  /** The key of `config.json` for the dropout before the classifier. */
  headDropoutKey: string;
  /** Reads `config.json` (its `where` is for messages). */
  parse(config: Readonly<Record<string, unknown>>, where: string): ParsedClassifier;
}

/** What a classifier is built for. */
export interface ClassifierHeadConfig extends ConfigLabels {
  /** Names of the parameters that get a random start; complete once the model is built. */
  newlyInitialized: readonly string[];
}

/** A config that was read and found good. */
export interface ParsedClassifier {
  /** Of transformers' class. */
  architecture: string;
  /** What stands before the names of the encoder's own parameters, and is missing in the files of a bare encoder. */
  baseModelPrefix: string;
  labels: ConfigLabels;
  /** Standard deviation of fresh weights. */
  initializerRange: number;
  /** Parameters that files of encoders without a head do not hold. */
  headWeights: RegExp;
  /** Names that files hold and nobody needs: heads of other tasks, stored position numbers. */
  ignoredWeights: RegExp;
  build(source: ParameterSource, task: ClassifierHeadConfig): SequenceClassifier;
}
