import type { Architecture } from "./architectures.ts";
import { ByteReader } from "./byte-reader.ts";
import { ggufFormatError } from "./format-error.ts";
import type { GgufHeader } from "./header.ts";
import { readRopeScaling } from "./rope-scaling.ts";
import { specialTokenIds } from "./special-tokens.ts";
import type { HeadCounts } from "./weight-layout.ts";
import { ropeFactorsName } from "./weights.ts";

type ConfigValues = Record<string, unknown>;

/**
 * The `config.json` that transformers would have for the model of a GGUF file. The families' own parsers interpret it.
 * @throws ScaloraError `format` for keys that are missing, or whose values a config cannot express
 */
export function readConfig(header: GgufHeader, name: string, architecture: Architecture): ConfigValues {
  const { metadata, tensors } = header;
  const embedding = tensors.get("token_embd.weight");
  if (embedding === undefined)
    throw ggufFormatError(header.path, "The file has no token embedding", {
      expected: "a tensor token_embd.weight",
    });
  const has = (tensor: string) => tensors.has(tensor);
  const heads = readHeads(header, name);
  const headDim = readHeadDim(header, name, heads);
  return {
    architectures: [architecture.className],
    model_type: architecture.modelType,
    vocab_size: embedding.shape[0],
    hidden_size: metadata.requiredCount(`${name}.embedding_length`),
    intermediate_size: metadata.requiredCount(`${name}.feed_forward_length`),
    num_hidden_layers: readLayerCount(header, name),
    num_attention_heads: heads.query,
    num_key_value_heads: heads.key,
    head_dim: headDim,
    max_position_embeddings: metadata.requiredCount(`${name}.context_length`),
    rms_norm_eps: metadata.number(`${name}.attention.layer_norm_rms_epsilon`),
    tie_word_embeddings: !has("output.weight"),
    ...readRope(header, name, headDim),
    ...familyKeys(header, name, has),
    ...specialTokenIds(metadata),
    dtype: storedDType(header),
  };
}

/** The layer count, checked against the tensors: a model is built layer by layer before its names are compared. */
function readLayerCount({ metadata, tensors }: GgufHeader, name: string): number {
  const key = `${name}.block_count`;
  const count = metadata.requiredCount(key);
  const layerIndices = new Set([...tensors.keys()].map((tensor) => /^blk\.(\d+)\./.exec(tensor)?.[1]));
  layerIndices.delete(undefined);
  const highest = Math.max(-1, ...[...layerIndices].map(Number));
  if (count === layerIndices.size && count === highest + 1) return count;
  const found = `${count}, and tensors of ${layerIndices.size} layers, the last of them ${highest}`;
  throw ggufFormatError(
    `${metadata.path}, key ${JSON.stringify(key)}`,
    "The layer count does not match the tensors",
    {
      expected: "one more than the index of the last layer (blk.N.…), and tensors for each layer",
      found,
    },
  );
}

/** Head counts of the model. */
export function readHeads({ metadata }: GgufHeader, name: string): HeadCounts {
  const query = metadata.requiredCount(`${name}.attention.head_count`);
  return { query, key: metadata.count(`${name}.attention.head_count_kv`) ?? query };
}

function readHeadDim({ metadata }: GgufHeader, name: string, { query }: HeadCounts): number {
  const even = metadata.requiredCount(`${name}.embedding_length`) / query;
  const size = metadata.count(`${name}.attention.key_length`) ?? even;
  for (const key of ["attention.value_length", "rope.dimension_count"]) {
    const other = metadata.count(`${name}.${key}`) ?? size;
    if (other !== size)
      throw metadata.invalidValueError(`${name}.${key}`, `${size}, as long as the keys`, other);
  }
  return size;
}

function readRope(header: GgufHeader, name: string, headDim: number): ConfigValues {
  const { metadata } = header;
  const theta = metadata.number(`${name}.rope.freq_base`) ?? 10_000;
  const scaling = readRopeScaling(metadata, name, { theta, headDim, factors: readRopeFactors(header) });
  return { rope_theta: theta, ...(scaling && { rope_scaling: scaling }) };
}

function readRopeFactors({ path, tensors }: GgufHeader): number[] | undefined {
  const tensor = tensors.get(ropeFactorsName);
  if (tensor === undefined) return undefined;
  if (tensor.type.name !== "F32" || tensor.byteLength > 1 << 16)
    throw ggufFormatError(`${path}, tensor "${ropeFactorsName}"`, "The rotary frequencies cannot be read", {
      expected: "a short list in F32",
      found: `${tensor.type.name}, ${tensor.byteLength} bytes`,
    });
  using reader = new ByteReader(path);
  reader.position = tensor.begin;
  return Array.from({ length: tensor.byteLength / 4 }, () => reader.bytes(4).readFloatLE());
}

/** Config keys that only some families have. */
function familyKeys(header: GgufHeader, name: string, has: (tensor: string) => boolean): ConfigValues {
  const hasBias = has("blk.0.attn_q.bias");
  switch (name) {
    case "llama":
      return { attention_bias: hasBias, mlp_bias: has("blk.0.ffn_up.bias") };
    case "qwen2":
      return { use_sliding_window: false };
    case "qwen3":
      return { use_sliding_window: false, attention_bias: hasBias };
    case "gemma2":
      return { ...gemmaKeys(header, name, 46), ...softCapKeys(header, name, 50, 30) };
    default:
      return { ...gemmaKeys(header, name, 62), ...gemma3Keys(header, name) };
  }
}

/**
 * @param largestLayerCount layer count of the family's 27B model, which scales attention scores by hidden size over heads; GGUF
 * has no field for it (llama.cpp, `src/models/gemma*.cpp`)
 */
function gemmaKeys({ metadata }: GgufHeader, name: string, largestLayerCount: number): ConfigValues {
  const heads = metadata.requiredCount(`${name}.attention.head_count`);
  const perHead = metadata.requiredCount(`${name}.embedding_length`) / heads;
  const headDim = metadata.count(`${name}.attention.key_length`) ?? perHead;
  return {
    sliding_window: metadata.requiredCount(`${name}.attention.sliding_window`),
    query_pre_attn_scalar:
      metadata.requiredCount(`${name}.block_count`) === largestLayerCount ? perHead : headDim,
    hidden_activation: "gelu_pytorch_tanh",
  };
}

function softCapKeys({ metadata }: GgufHeader, name: string, scores: number, logits: number): ConfigValues {
  return {
    attn_logit_softcapping: metadata.number(`${name}.attn_logit_softcapping`) ?? scores,
    final_logit_softcapping: metadata.number(`${name}.final_logit_softcapping`) ?? logits,
  };
}

function gemma3Keys({ metadata }: GgufHeader, name: string): ConfigValues {
  const cap = metadata.number(`${name}.final_logit_softcapping`);
  return {
    sliding_window_pattern: metadata.count(`${name}.attention.sliding_window_pattern`) ?? 6,
    rope_local_base_freq: metadata.number(`${name}.rope.freq_base_swa`) ?? 10_000,
    ...(cap !== undefined && { final_logit_softcapping: cap }),
  };
}

/** The dtype of the large tensors, or float32 where they are quantised. */
function storedDType({ tensors }: GgufHeader): string {
  const types = new Set(
    [...tensors.values()].flatMap(({ type, shape }) => (shape.length > 1 ? type.name : [])),
  );
  if (types.size !== 1) return "float32";
  return types.has("BF16") ? "bfloat16" : types.has("F16") ? "float16" : "float32";
}
