import { locateModel } from "../model-files/locate-model.ts";
import { configLocation, readModelConfig } from "../model-files/model-config.ts";
import { ModelWeights } from "../model-files/model-weights.ts";
import { randomParameters, type SequenceClassifier, type WeightShards } from "../nn/index.ts";
import { type DType, Generator } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { JsonObject } from "../util/json-file.ts";
import { parseClassifierConfig } from "./classifier-families.ts";
import type { ParsedClassifier } from "./encoder/classifier-family.ts";
import { type ConfigLabels, defaultLabels } from "./encoder/labels.ts";
import {
  type LoadDType,
  type LoadRules,
  type Quantization,
  storedDType,
  WeightLoader,
} from "./weight-loader.ts";

/** Options of `loadClassifier`. */
export interface ClassifierOptions {
  /** Names of the classes in the order of the logits, or their number; 1 is a regression. Default: the config's. */
  labels?: number | readonly string[];
  /** Seed of a newly initialised head; default 0. */
  seed?: number;
  /** Dropout before the classifier, in [0, 1). Default: the config's. */
  headDropout?: number;
  /** Dtype of all weights; `auto`, the default, is that of the files. */
  dtype?: LoadDType;
  /** Device; "cpu" by default. */
  device?: string;
  /** "none" by default. */
  quantization?: Quantization | undefined;
  /** As in `LoadOptions`. */
  shards?: WeightShards | undefined;
}

/**
 * Loads an encoder's folder for sequence classification. Where the files hold a bare encoder or another head, the head is
 * newly initialised at random, and `info.newlyInitialized` names its parameters.
 * @param path of the folder, or the name of a fetched model
 * @param config of the folder, where it has been read already
 * @throws ScaloraError `model` or `format`; `config` for invalid labels
 */
export async function loadClassifier(
  path: string,
  options: ClassifierOptions = {},
  config?: JsonObject,
): Promise<SequenceClassifier> {
  const folder = locateModel(path);
  const { labels, headDropout, seed = 0, dtype = "auto", device = "cpu", quantization, shards } = options;
  const parsed = parseClassifierConfig(
    config ?? readModelConfig(folder),
    configLocation(folder),
    headDropout,
  );
  using weights = ModelWeights.open(folder);
  using generator = new Generator(seed, "cpu");
  const newlyInitialized: string[] = [];
  const precision = dtype === "auto" ? storedDType(weights) : dtype;
  const rules = loadRules(parsed, newlyInitialized, generator);
  const place = { dtype: precision, device, quantization, shards };
  const loader = new WeightLoader(weights, folder, place, rules);
  const task = { ...resolveLabels(parsed.labels, labels), newlyInitialized };
  const model = loader.load((source) => parsed.build(source, task), parsed.ignoredWeights);
  model.path = folder;
  return model;
}

/** A new classifier with random weights. @param config as in `config.json` */
export function createClassifier(
  config: Readonly<Record<string, unknown>>,
  generator: Generator,
  dtype: DType = "float32",
): SequenceClassifier {
  const parsed = parseClassifierConfig(config, "the given config");
  const source = randomParameters(generator, parsed.initializerRange, dtype);
  return parsed.build(source, { ...parsed.labels, newlyInitialized: [] });
}

function loadRules(
  { baseModelPrefix, headWeights, initializerRange }: ParsedClassifier,
  fresh: string[],
  generator: Generator,
) {
  const make = randomParameters(generator, initializerRange, "float32");
  const rules: LoadRules = {
    rename: (name, has) => storedNames(name, baseModelPrefix).find(has),
    initialize: (name, shape, kind) => {
      if (!headWeights.test(name)) return undefined;
      fresh.push(name);
      return make.take(name, shape, kind);
    },
  };
  return rules;
}

/** Other names of a parameter in files: without the encoder's prefix, and TensorFlow's names of norms. */
function storedNames(name: string, prefix: string): string[] {
  const bare = name.startsWith(prefix) ? [name, name.slice(prefix.length)] : [name];
  const old = bare.map((each) =>
    each.replace(/LayerNorm\.weight$/, "LayerNorm.gamma").replace(/LayerNorm\.bias$/, "LayerNorm.beta"),
  );
  return [...bare, ...old];
}

/** A classifier's labels: those asked for, else the config's. @throws ScaloraError `config` */
export function resolveLabels(own: ConfigLabels, wanted: ClassifierOptions["labels"]): ConfigLabels {
  if (wanted === undefined) return own;
  const count = typeof wanted === "number" ? wanted : wanted.length;
  if (!Number.isSafeInteger(count) || count < 1)
    throw new ScaloraError("config", "A classifier needs labels", {
      where: "model.labels",
      expected: "names of classes, or their number (1 for a regression)",
      found: JSON.stringify(wanted),
    });
  const names =
    typeof wanted !== "number" ? wanted : count === own.names.length ? own.names : defaultLabels(count);
  if (new Set(names).size < names.length)
    throw new ScaloraError("config", "Two classes have one name", {
      where: "model.labels",
      found: names.join(", "),
    });
  return { names, regression: count === 1 };
}
