import type { JsonObject } from "../hub/model-folder.js";
import type { CausalLM, ParameterSource } from "../nn/index.js";

/** What a model family gives the registry; one folder under `src/models` each. */
export interface ModelFamily {
  /** Reads `config.json` (its `where` is for messages). */
  parse(config: Readonly<Record<string, unknown>>, where: string): ParsedModel;
  /** The config to write beside the weights, where it is not the one that was read. */
  savedConfig?(config: JsonObject): JsonObject;
}

/** A config that was read and found good. */
export interface ParsedModel {
  tieEmbeddings: boolean;
  /** Standard deviation of fresh weights. */
  initializerRange: number;
  /** Names that old files hold and nobody needs, such as stored rotary tables. */
  ignoredWeights: RegExp;
  /** The name of a weight in the model, where files have another. */
  rename?(stored: string): string;
  /** @param tied whether the output layer is the embedding */
  build(source: ParameterSource, tied: boolean): CausalLM;
}
