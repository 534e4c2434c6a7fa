import { expect, test } from "vitest";
import { elementAt, required } from "../../util/elements.ts";
import { parseGemma2Config } from "../gemma2/config.ts";
import { parseGemma3Config, parseGemma3TextConfig } from "../gemma3/config.ts";
import { parseMistralConfig } from "../mistral/config.ts";
import { parseQwen2Config } from "../qwen2/config.ts";
import { parseQwen3Config } from "../qwen3/config.ts";
import { configRefusal } from "../testing/config-refusal.ts";
import type { DecoderConfig } from "./config.ts";

type Values = Readonly<Record<string, unknown>>;
type Parse = (values: Values, where: string) => DecoderConfig;

const families: Readonly<Record<string, Parse>> = {
  mistral: parseMistralConfig,
  qwen2: parseQwen2Config,
  qwen3: parseQwen3Config,
  gemma2: parseGemma2Config,
  gemma3_text: parseGemma3TextConfig,
  gemma3: parseGemma3Config,
};

const parse = (family: string, values: Values) => required(families[family], family)(values, "config.json");
const windows = (family: string, values: Values) =>
  parse(family, values).layers.map(({ slidingWindow }) => slidingWindow ?? "all");

test.each([
  ["mistral", { keyValueHeads: 8, headDim: 128, queryKeyNorm: false, tieEmbeddings: false }],
  ["qwen2", { keyValueHeads: 32, headDim: 128, biases: { queryKeyValue: true, output: false, mlp: false } }],
  [
    "qwen3",
    { headDim: 128, queryKeyNorm: true, biases: { queryKeyValue: false, output: false, mlp: false } },
  ],
  [
    "gemma2",
    {
      attentionScale: 1 / 16,
      attentionLogitSoftcap: 50,
      finalLogitSoftcap: 30,
      embeddingScale: 48,
      activation: "gelu_pytorch_tanh",
      norm: { epsilon: 1e-6, addUnitOffset: true },
      sandwichNorms: true,
      queryKeyNorm: false,
      tieEmbeddings: true,
    },
  ],
  [
    "gemma3_text",
    {
      attentionScale: 1 / 16,
      attentionLogitSoftcap: undefined,
      finalLogitSoftcap: undefined,
      queryKeyNorm: true,
      headDim: 256,
    },
  ],
  ["gemma3", { family: "gemma3", queryKeyNorm: true, tieEmbeddings: true, hiddenSize: 2304 }],
])("%s: defaults are transformers' own", (family, expected) => {
  expect(parse(family, {})).toMatchObject({ family, ...expected });
});

const four = { num_hidden_layers: 4 };

test("windows are on the layers that each family puts them on", () => {
  expect(windows("mistral", four)).toEqual([4096, 4096, 4096, 4096]);
  expect(windows("mistral", { ...four, sliding_window: null })).toEqual(["all", "all", "all", "all"]);
  const upper = { ...four, use_sliding_window: true, max_window_layers: 3 };
  expect(windows("qwen2", upper)).toEqual(["all", "all", "all", 4096]);
  expect(windows("qwen3", { ...upper, sliding_window: 7, max_window_layers: 0 })).toEqual([7, 7, 7, 7]);
  expect(windows("qwen2", { ...upper, use_sliding_window: false })).toEqual(["all", "all", "all", "all"]);
  expect(windows("gemma2", { ...four, sliding_window: 9 })).toEqual([9, "all", 9, "all"]);
  expect(windows("gemma3_text", { ...four, sliding_window: 9 })).toEqual([9, 9, 9, 9]);
  expect(windows("gemma3_text", { ...four, sliding_window_pattern: 3 })).toEqual([4096, 4096, "all", 4096]);
  const types = ["full_attention", "sliding_attention"];
  expect(windows("gemma3_text", { num_hidden_layers: 2, layer_types: types })).toEqual(["all", 4096]);
});

test("null turns a soft cap off, absence does not", () => {
  const off = { attn_logit_softcapping: null, final_logit_softcapping: null };
  expect(parse("gemma2", off)).toMatchObject({
    attentionLogitSoftcap: undefined,
    finalLogitSoftcap: undefined,
  });
  expect(parse("gemma3_text", { final_logit_softcapping: 20 })).toMatchObject({ finalLogitSoftcap: 20 });
});

test("Gemma 3 rotates full and windowed layers apart, in both layouts", () => {
  const ropes = (values: Values) => {
    const { layers } = parse("gemma3_text", { num_hidden_layers: 2, sliding_window_pattern: 2, ...values });
    return layers.map(({ rope }) => rope);
  };
  const local = { type: "default", theta: 10_000 };
  expect(ropes({})).toEqual([local, { type: "default", theta: 1_000_000 }]);
  const old = {
    rope_theta: 500,
    rope_local_base_freq: 20,
    rope_scaling: { rope_type: "linear", factor: 8 },
  };
  const linear = { type: "linear", theta: 500, factor: 8 };
  expect(ropes(old)).toEqual([{ type: "default", theta: 20 }, linear]);
  const full_attention = { rope_type: "linear", rope_theta: 500, factor: 8 };
  expect(ropes({ rope_parameters: { full_attention } })).toEqual([local, linear]);
});

test("keys of every family's published configs that change nothing are taken", () => {
  const gemma = { cache_implementation: "hybrid", hidden_act: "gelu_pytorch_tanh", use_cache: true };
  expect(parse("gemma2", gemma).hiddenSize).toBe(2304);
  const qwen = { sliding_window: 32_768, use_sliding_window: false, max_window_layers: 21, use_mrope: false };
  expect(elementAt(parse("qwen2", qwen).layers, 0).slidingWindow).toBeUndefined();
  const images = { vision_config: { hidden_size: 8 }, mm_tokens_per_image: 256, image_token_index: 262_144 };
  expect(parse("gemma3", { ...images, text_config: { hidden_size: 640 } }).hiddenSize).toBe(640);
});

test.each<[family: string, Values, key: string, detail: string]>([
  ["mistral", { attention_bias: true }, "attention_bias", "unknown key"],
  ["mistral", { layer_types: ["full_attention"] }, "layer_types", '["full_attention"]'],
  ["mistral", { sliding_window: 0 }, "sliding_window", "at least 1, found 0"],
  ["mistral", { attention_dropout: 0.1 }, "attention_dropout", "0.1"],
  ["qwen2", { attention_bias: true }, "attention_bias", "unknown key"],
  ["qwen2", { dual_chunk_attention_config: {} }, "dual_chunk_attention_config", "unknown key"],
  ["qwen2", { rope_scaling: { type: "mrope" } }, "rope_scaling.rope_type", 'found "mrope"'],
  ["qwen2", { layer_types: ["sliding_attention"] }, "layer_types", "32 times full_attention or"],
  [
    "qwen3",
    { num_hidden_layers: 1, layer_types: ["sliding_attention"] },
    "layer_types",
    "sliding_attention needs a sliding_window",
  ],
  [
    "qwen3",
    { num_hidden_layers: 1, layer_types: ["linear_attention"] },
    "layer_types",
    'found ["linear_attention"]',
  ],
  ["qwen3", { num_experts: 8 }, "num_experts", "unknown key"],
  ["gemma2", { attn_logit_softcapping: 0 }, "attn_logit_softcapping", "above 0, or null, found 0"],
  ["gemma2", { use_bidirectional_attention: true }, "use_bidirectional_attention", "true"],
  ["gemma2", { sliding_window: null }, "layer_types", "sliding_attention needs a sliding_window"],
  ["gemma2", { hidden_act: "gelu" }, "hidden_act", "hidden_activation"],
  ["gemma2", { query_pre_attn_scalar: 0 }, "query_pre_attn_scalar", "at least 1, found 0"],
  ["gemma2", { rope_parameters: { full_attention: {} } }, "rope_parameters.full_attention", "unknown key"],
  ["gemma3_text", { attn_logit_softcapping: 50 }, "attn_logit_softcapping", "50"],
  ["gemma3_text", { rope_parameters: { rope_type: "default" } }, "rope_parameters.rope_type", "unknown key"],
  ["gemma3_text", { query_pre_attn_scaler: 256 }, "query_pre_attn_scaler", "mean query_pre_attn_scalar?"],
  ["gemma3", { text_config: { hidden_sise: 2 } }, "text_config.hidden_sise", "did you mean hidden_size?"],
  ["gemma3", { audio_config: {} }, "audio_config", "unknown key"],
  ["gemma3", { text_config: 3 }, "text_config", "found 3"],
])("%s refuses %j", (family, values, key, detail) => {
  expect(() => parse(family, values)).toThrow(configRefusal(key, detail));
});
