import { expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { elementAt } from "../../util/elements.ts";
import { configRefusal } from "../testing/config-refusal.ts";
import { parseLlamaConfig } from "./config.ts";

const base = { model_type: "llama", hidden_size: 64, num_attention_heads: 4 };
const parse = (changes: Record<string, unknown>) => parseLlamaConfig({ ...base, ...changes }, "config.json");
const rope = (changes: Record<string, unknown>) => elementAt(parse(changes).layers, 0).rope;

test("defaults are transformers' own", () => {
  const { layers, ...rest } = parseLlamaConfig({}, "config.json");
  expect(layers).toEqual(
    new Array(32).fill({ slidingWindow: undefined, rope: { type: "default", theta: 10_000 } }),
  );
  expect(rest).toEqual({
    family: "llama",
    vocabSize: 32_000,
    hiddenSize: 4096,
    intermediateSize: 11_008,
    heads: 32,
    keyValueHeads: 32,
    headDim: 128,
    maxPositions: 2048,
    norm: { epsilon: 1e-6 },
    queryKeyNorm: false,
    sandwichNorms: false,
    biases: { queryKeyValue: false, output: false, mlp: false },
    activation: "silu",
    attentionScale: 128 ** -0.5,
    tieEmbeddings: false,
    initializerRange: 0.02,
  });
});

test("null means absent, and harmless keys are taken", () => {
  const config = parse({
    head_dim: null,
    num_key_value_heads: null,
    rope_scaling: null,
    pretraining_tp: 4,
    _name_or_path: "x",
    torch_dtype: "bfloat16",
    "transformers.js_config": {},
    rope_interleaved: false,
    some_future_feature: false,
  });
  expect(config).toMatchObject({ headDim: 16, keyValueHeads: 4 });
});

const yarn = { rope_type: "yarn", factor: 4, original_max_position_embeddings: 512 };

test("both layouts of rope settings, with transformers' precedence", () => {
  const linear = { type: "linear", theta: 500, factor: 2 };
  expect(rope({ rope_theta: 500, rope_scaling: { type: "linear", factor: 2 } })).toEqual(linear);
  expect(rope({ rope_parameters: { rope_type: "linear", rope_theta: 500, factor: 2 } })).toEqual(linear);
  expect(
    rope({ rope_theta: 1, rope_parameters: { rope_type: "linear", rope_theta: 500, factor: 2 } }),
  ).toEqual(linear);
  expect(
    rope({
      rope_theta: 500,
      rope_scaling: { type: "linear", factor: 2 },
      rope_parameters: { rope_type: "default" },
    }),
  ).toEqual(linear);
  expect(rope({ rope_parameters: yarn })).toMatchObject({
    originalMaxPositions: 512,
    betaFast: 32,
    betaSlow: 1,
  });
  expect(rope({ rope_parameters: yarn, original_max_position_embeddings: 256 })).toMatchObject({
    originalMaxPositions: 256,
  });
});

const increasing = { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 1 };
const longrope = { rope_type: "longrope", short_factor: [1], long_factor: new Array(8).fill(1) };

test.each<[Record<string, unknown>, key: string, detail: string]>([
  [{ hidden_sizes: 1 }, "hidden_sizes", "did you mean hidden_size?"],
  [{ hidden_size: "64" }, "hidden_size", 'found "64"'],
  [{ hidden_size: 0 }, "hidden_size", "found 0"],
  [{ num_hidden_layers: 1.5 }, "num_hidden_layers", "found 1.5"],
  [{ num_hidden_layers: 1e8 }, "num_hidden_layers", "at least 1, at most 1024, found 100000000"],
  [{ hidden_size: 66 }, "hidden_size", "66 is not a multiple of num_attention_heads (4)"],
  [{ num_key_value_heads: 3 }, "num_attention_heads", "4 is not a multiple of num_key_value_heads (3)"],
  [{ head_dim: 15 }, "head_dim", "found 15"],
  [{ hidden_act: "swiglu" }, "hidden_act", "silu, swish, gelu"],
  [{ attention_bias: 1 }, "attention_bias", "true or false, found 1"],
  [{ rms_norm_eps: -1 }, "rms_norm_eps", "at least 0, found -1"],
  [{ attention_dropout: 0.1 }, "attention_dropout", "0.1"],
  [{ sliding_window: 128 }, "sliding_window", "128"],
  [{ quantization_config: { bits: 4 } }, "quantization_config", '{"bits":4}'],
  [{ rope_interleaved: true }, "rope_interleaved", "true"],
  [{ partial_rotary_factor: 0.5 }, "partial_rotary_factor", "0.5"],
  [{ logit_scale: 0.5 }, "logit_scale", "unknown key"],
  [{ rope_scaling: 2 }, "rope_scaling", "found 2"],
  [
    { rope_scaling: { type: "ntk" } },
    "rope_scaling.rope_type",
    'default, linear, dynamic, llama3, yarn or longrope, found "ntk"',
  ],
  [{ rope_scaling: { type: "linear" } }, "rope_scaling.factor", "missing"],
  [{ rope_scaling: { type: "linear", factor: 0.5 } }, "rope_scaling.factor", "at least 1, found 0.5"],
  [{ rope_parameters: { ...yarn, beta_fst: 32 } }, "rope_parameters.beta_fst", "did you mean beta_fast?"],
  [{ rope_parameters: increasing }, "rope_parameters.high_freq_factor", "low_freq_factor (4), found 1"],
  [{ rope_parameters: longrope }, "rope_parameters.short_factor", "8 numbers above 0, found [1]"],
])("refused: %j", (changes, key, detail) => {
  expect(() => parse(changes)).toThrow(configRefusal(key, detail));
});

test("all problems are named at once", () => {
  expect(() => parse({ hidden_size: -1, hidden_act: "x", foo_scale: 2 })).toThrow(
    refusal("model", { found: /- hidden_size: .*\n.*- hidden_act: .*\n.*- foo_scale: / }),
  );
});
