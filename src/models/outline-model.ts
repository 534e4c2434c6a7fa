import { configLocation, readModelConfig } from "../model-files/model-config.ts";
import { FrozenWeight, type Module, makeParameterSource } from "../nn/index.ts";
import { type DType, zeros } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { isClassifierConfig, parseClassifierConfig } from "./classifier-families.ts";
import { parseConfig } from "./families.ts";
import { resolveLabels } from "./load-classifier.ts";

/** A weight of which there is only the shape. */
class OutlinedWeight extends FrozenWeight {
  get device(): string {
    return "cpu";
  }

  forwardBase(): never {
    throw notThere();
  }

  forwardLowRank(): never {
    throw notThere();
  }

  dense(): never {
    throw notThere();
  }

  rows(): never {
    throw notThere();
  }
}

const notThere = () => new MissingWeights("internal", "the weights of an outlined model are not there");

/** Somebody looked at the weights of an outlined model. */
export class MissingWeights extends ScaloraError {}

/**
 * A model as its folder's config describes it, with names and shapes and without the weights of its linear layers and embeddings:
 * for counting, where there is no memory for them. Who looks at one of these gets `MissingWeights`.
 * @param labels of an encoder, as for `loadClassifier`
 * @throws ScaloraError `model` or `format`; `config` for invalid labels
 */
export function outlineModel(folder: string, dtype: DType, labels?: number | readonly string[]): Module {
  const [config, where] = [readModelConfig(folder), configLocation(folder)];
  const source = makeParameterSource(
    (_, shape) => zeros(shape, { dtype, device: "cpu" }).keep(),
    (_, [rows = 0, columns = 0]) => new OutlinedWeight([rows, columns], dtype),
  );
  if (isClassifierConfig(config)) {
    const parsed = parseClassifierConfig(config, where);
    return parsed.build(source, { ...resolveLabels(parsed.labels, labels), newlyInitialized: [] });
  }
  const parsed = parseConfig(config, where);
  return parsed.build(source, parsed.tieEmbeddings);
}
