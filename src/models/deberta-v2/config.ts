import { ConfigReader } from "../config-reader.ts";
import {
  type EncoderConfig,
  readActivation,
  readDropoutRate,
  readEncoderConfig,
  readHeadDim,
} from "../encoder/config.ts";

/** The convolution parallel to the first layer. */
export interface ConvolutionConfig {
  /** Kernel size in tokens, an odd number. */
  kernel: number;
  groups: number;
  activation: string;
}

/** The keys of a DeBERTa-v2 or -v3 config that change a classifier's outputs. */
export interface DebertaConfig extends EncoderConfig {
  headDim: number;
  /** Width of the embeddings; if it differs from the hidden size, a projection follows. */
  embeddingSize: number;
  /** Whether absolute positions are added to the embeddings. */
  absolutePositions: boolean;
  /** Whether scores depend on relative positions. */
  relativePositions: boolean;
  contentToPosition: boolean;
  positionToContent: boolean;
  /** Distances above half of this share logarithmic buckets; 0: every distance has its own embedding. */
  buckets: number;
  /** Larger distances share the last bucket. */
  maxDistance: number;
  /** Whether positions share the projections of the content (`share_att_key`). */
  sharedProjections: boolean;
  normedPositions: boolean;
  convolution: ConvolutionConfig | undefined;
  poolerDropout: number;
  poolerActivation: string;
  classifierDropout: number;
}

/**
 * Reads `config.json` of a DeBERTa-v2 model; defaults are those of transformers' `DebertaV2Config`. A key that changes the
 * model's outputs is implemented or refused; an unknown key is refused.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseDebertaConfig(values: Readonly<Record<string, unknown>>, where: string): DebertaConfig {
  const config = new ConfigReader(values, where);
  const encoder = readEncoderConfig(config, {
    vocabSize: 128_100,
    hiddenSize: 1536,
    intermediateSize: 6144,
    layers: 24,
    heads: 24,
    typeVocabSize: 0,
    normEpsilon: 1e-7,
    padTokenId: 0,
  });
  const { hiddenSize } = encoder;
  // Only the head of masked language models has an old and a new form.
  config.value("legacy");
  const headDim = readHeadDim(config, encoder);
  config.allowOnly("attention_head_size", [headDim], "heads that do not share the hidden size");
  config.allowOnly("pooler_hidden_size", [hiddenSize], "a pooler of another width");
  const result: DebertaConfig = {
    ...encoder,
    headDim,
    embeddingSize: config.positiveInteger("embedding_size", hiddenSize),
    absolutePositions: config.boolean("position_biased_input", true),
    ...readRelativePositions(config, encoder.maxPositionEmbeddings),
    convolution: readConvolution(config, hiddenSize),
    poolerDropout: readDropoutRate(config, "pooler_dropout", 0),
    poolerActivation: readActivation(config, "pooler_hidden_act", "gelu"),
    classifierDropout: readDropoutRate(config, "cls_dropout", encoder.hiddenDropout),
  };
  config.throwIfInvalid();
  return result;
}

function readRelativePositions(config: ConfigReader, positions: number) {
  const types = readWords(config, "pos_att_type", ["c2p", "p2c"]);
  const norms = readWords(config, "norm_rel_ebd", ["none", "layer_norm"]);
  const maxDistance = readSigned(config, "max_relative_positions");
  const buckets = Math.max(0, readSigned(config, "position_buckets"));
  const distances = maxDistance < 1 ? positions : maxDistance;
  if (buckets > 0 && (buckets < 2 || distances - 1 <= Math.floor(buckets / 2)))
    config.addProblem(
      `position_buckets: expected at least 2 (or −1 for none), and twice the largest distance (${distances}) at most, found ${buckets}`,
    );
  return {
    relativePositions: config.boolean("relative_attention", false),
    contentToPosition: types.includes("c2p"),
    positionToContent: types.includes("p2c"),
    buckets,
    maxDistance: distances,
    sharedProjections: config.boolean("share_att_key", false),
    normedPositions: norms.includes("layer_norm"),
  };
}

/** A list of words, or one string of words separated by `|`. */
function readWords(config: ConfigReader, key: string, known: readonly string[]): string[] {
  const value = config.value(key) ?? [];
  const list: unknown[] = typeof value === "string" ? value.toLowerCase().split("|") : [value].flat();
  const texts = list.map((word) => (typeof word === "string" ? word : JSON.stringify(word)));
  const words = texts.map((word) => word.trim()).filter((word) => word !== "");
  const bad = words.filter((word) => !known.includes(word));
  if (bad.length > 0)
    config.addProblem(
      `${key}: expected ${known.join(", ")}, found ${bad.map((word) => JSON.stringify(word))}`,
    );
  return words;
}

/** An integer; −1 means none and is the default. */
function readSigned(config: ConfigReader, key: string): number {
  const value = config.number(key, -1, -1);
  if (!Number.isSafeInteger(value)) config.addProblem(`${key}: expected an integer, found ${value}`);
  return value;
}

function readConvolution(config: ConfigReader, hiddenSize: number): ConvolutionConfig | undefined {
  const kernel = config.number("conv_kernel_size", 0, 0);
  const groups = config.positiveInteger("conv_groups", 1);
  const activation = readActivation(config, "conv_act", "tanh");
  if (kernel === 0) return undefined;
  if (!Number.isSafeInteger(kernel) || kernel % 2 === 0)
    config.addProblem(`conv_kernel_size: expected an odd number, found ${kernel}`);
  if (hiddenSize % groups !== 0)
    config.addProblem(`conv_groups: ${groups} does not divide hidden_size (${hiddenSize})`);
  return { kernel, groups, activation };
}
