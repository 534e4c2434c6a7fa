import { float32Item, type MetadataItem, stringItem, uint32Item } from "../../gguf/encode-metadata.ts";
import { type GgufDescription, llama3Factors } from "../../gguf/index.ts";
import type { RopeParameters } from "../../nn/index.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import { formatProblems } from "../../util/format.ts";
import type { DecoderConfig } from "./config.ts";

/** `general.architecture` of the families. */
const architectureOf: ReadonlyMap<string, string> = new Map([
  ["llama", "llama"],
  ["mistral", "llama"],
  ["qwen2", "qwen2"],
  ["qwen3", "qwen3"],
  ["gemma2", "gemma2"],
  ["gemma3_text", "gemma3"],
  ["gemma3", "gemma3"],
]);

/**
 * The GGUF metadata of a decoder (llama.cpp, `conversion/` and `src/models/`). GGUF fixes many settings of an architecture; a
 * config with others cannot be represented.
 * @param where location of the config, for messages
 * @throws ScaloraError `usage`, naming everything that GGUF cannot represent
 */
export function describeDecoderForGguf(config: DecoderConfig, where: string): GgufDescription {
  const name = architectureOf.get(config.family) ?? config.family;
  const problems = findUnsupported(config, name);
  if (problems.length > 0) {
    throw new ScaloraError("usage", "GGUF cannot represent this model", {
      where,
      found: formatProblems(problems),
      fix: "export it as a folder",
    });
  }
  const items: (readonly [string, (key: string, value: number) => MetadataItem, number])[] = [
    ["context_length", uint32Item, config.maxPositions],
    ["embedding_length", uint32Item, config.hiddenSize],
    ["block_count", uint32Item, config.layers.length],
    ["feed_forward_length", uint32Item, config.intermediateSize],
    ["attention.head_count", uint32Item, config.heads],
    ["attention.head_count_kv", uint32Item, config.keyValueHeads],
    ["attention.layer_norm_rms_epsilon", float32Item, config.norm.epsilon],
    ["attention.key_length", uint32Item, config.headDim],
    ["attention.value_length", uint32Item, config.headDim],
    ["rope.dimension_count", uint32Item, config.headDim],
    ["vocab_size", uint32Item, config.vocabSize],
  ];
  const { rope } = elementAt(config.layers, fullAttentionLayer(config));
  return {
    architecture: name,
    heads: { query: config.heads, key: config.keyValueHeads },
    tiedEmbeddings: config.tieEmbeddings,
    metadata: [
      ...items.map(([key, item, value]) => item(`${name}.${key}`, value)),
      ...ropeItems(name, rope),
      ...gemmaItems(name, config),
    ],
    ropeFactors: rope.type === "llama3" ? llama3RopeFactors(rope, config.headDim) : undefined,
  };
}

/** Index of a layer with full attention, whose rotary embedding the main keys describe. */
function fullAttentionLayer({ layers }: DecoderConfig): number {
  return Math.max(
    0,
    layers.findIndex(({ slidingWindow }) => slidingWindow === undefined),
  );
}

function ropeItems(name: string, rope: RopeParameters): MetadataItem[] {
  const key = (rest: string) => `${name}.rope.${rest}`;
  const items = [float32Item(key("freq_base"), rope.theta)];
  if (rope.type === "linear")
    items.push(stringItem(key("scaling.type"), "linear"), float32Item(key("scaling.factor"), rope.factor));
  if (rope.type === "yarn") {
    items.push(
      stringItem(key("scaling.type"), "yarn"),
      float32Item(key("scaling.factor"), rope.factor),
      uint32Item(key("scaling.original_context_length"), rope.originalMaxPositions),
      float32Item(key("scaling.yarn_beta_fast"), rope.betaFast),
      float32Item(key("scaling.yarn_beta_slow"), rope.betaSlow),
    );
  }
  return items;
}

function llama3RopeFactors(rope: Extract<RopeParameters, { type: "llama3" }>, headDim: number): number[] {
  return llama3Factors(rope.theta, headDim, {
    factor: rope.factor,
    low_freq_factor: rope.lowFrequencyFactor,
    high_freq_factor: rope.highFrequencyFactor,
    original_max_position_embeddings: rope.originalMaxPositions,
  });
}

function gemmaItems(name: string, config: DecoderConfig): MetadataItem[] {
  if (!config.sandwichNorms) return [];
  const windowed = config.layers.find(({ slidingWindow }) => slidingWindow !== undefined);
  const items: MetadataItem[] = [];
  if (windowed?.slidingWindow !== undefined)
    items.push(uint32Item(`${name}.attention.sliding_window`, windowed.slidingWindow));
  if (config.attentionLogitSoftcap !== undefined)
    items.push(float32Item(`${name}.attn_logit_softcapping`, config.attentionLogitSoftcap));
  if (config.finalLogitSoftcap !== undefined)
    items.push(float32Item(`${name}.final_logit_softcapping`, config.finalLogitSoftcap));
  const local = windowed?.rope.theta;
  if (name === "gemma3" && local !== undefined && local !== 10_000)
    items.push(float32Item(`${name}.rope.freq_base_swa`, local));
  return items;
}

/** Settings that an architecture fixes. */
interface ArchitectureConstraints {
  readonly activation: string;
  /** Which layers have a sliding window. */
  readonly isWindowed: (layer: number) => boolean;
  readonly windows: string;
  readonly queryKeyValueBias: "any" | "always" | "never";
  readonly otherBiases: boolean;
  /** Layer count of the model whose scores are scaled by hidden size over heads. */
  readonly largest?: number;
  readonly softCaps?: boolean;
  readonly ownOutput: boolean;
}

const none = { isWindowed: () => false, windows: "no layer has a window" };
const plain = { ...none, activation: "silu", ownOutput: true } as const;
const gemma = { activation: "gelu_pytorch_tanh", queryKeyValueBias: "never", otherBiases: false } as const;

const constraintsByArchitecture: ReadonlyMap<string, ArchitectureConstraints> = new Map<
  string,
  ArchitectureConstraints
>([
  ["llama", { ...plain, queryKeyValueBias: "any", otherBiases: true }],
  ["qwen2", { ...plain, queryKeyValueBias: "always", otherBiases: false }],
  ["qwen3", { ...plain, queryKeyValueBias: "never", otherBiases: false }],
  [
    "gemma2",
    {
      ...gemma,
      isWindowed: (layer) => layer % 2 === 0,
      windows: "every second layer has a window, from the first on",
      largest: 46,
      softCaps: true,
      ownOutput: false,
    },
  ],
  [
    "gemma3",
    {
      ...gemma,
      isWindowed: (layer) => (layer + 1) % 6 !== 0,
      windows: "all but every sixth layer have a window",
      largest: 62,
      ownOutput: true,
    },
  ],
]);

/** Adds a problem unless a condition holds. */
type Check = (isGood: boolean, problem: string) => void;

function findUnsupported(config: DecoderConfig, name: string): string[] {
  const rules = constraintsByArchitecture.get(name);
  if (rules === undefined) return [`${name}: GGUF has no such architecture`];
  const { biases, layers, hiddenSize, heads, headDim } = config;
  const problems: string[] = [];
  const check: Check = (isGood, problem) => {
    if (!isGood) problems.push(problem);
  };
  check(config.activation === rules.activation, `activation: ${rules.activation} only`);
  const isFollowed = layers.every(
    ({ slidingWindow }, i) => (slidingWindow !== undefined) === rules.isWindowed(i),
  );
  check(isFollowed, `windows: ${rules.windows}`);
  const isBiased = biases.queryKeyValue;
  check(rules.queryKeyValueBias !== "always" || isBiased, "biases: on the q, k and v projections");
  check(rules.queryKeyValueBias !== "never" || !isBiased, "biases: none on the q, k and v projections");
  check(
    rules.otherBiases || !(biases.output || biases.mlp),
    "biases: none on the output projection and the MLP",
  );
  const scaled = layers.length === rules.largest ? hiddenSize / heads : headDim;
  check(
    Math.abs(config.attentionScale * Math.sqrt(scaled) - 1) < 1e-6,
    `query_pre_attn_scalar: ${scaled} at this size`,
  );
  checkSoftCaps(config, rules, check);
  check(rules.ownOutput || config.tieEmbeddings, "tie_word_embeddings: true");
  for (const { rope } of layers) check(isExpressible(rope), `rope_type ${rope.type}`);
  return [...new Set(problems)];
}

/** Where a key is missing, readers assume Gemma 2's own soft caps; other architectures have none. */
function checkSoftCaps(
  { attentionLogitSoftcap, finalLogitSoftcap }: DecoderConfig,
  { softCaps }: ArchitectureConstraints,
  check: Check,
): void {
  if (softCaps)
    check(attentionLogitSoftcap !== undefined && finalLogitSoftcap !== undefined, "soft caps: both, always");
  else check(attentionLogitSoftcap === undefined, "attn_logit_softcapping: none");
}

/** Whether GGUF can represent the RoPE scaling. */
function isExpressible(rope: RopeParameters): boolean {
  if (rope.type === "yarn")
    return rope.truncate && rope.attentionFactor === undefined && rope.mscale === undefined;
  return rope.type !== "dynamic" && rope.type !== "longrope";
}
