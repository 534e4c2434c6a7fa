import { expect, test } from "vitest";
import { elementAt } from "../../util/elements.ts";
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

test.each([
  [
    { hidden_sizes: 1 },
    "hidden_sizes: unknown key, which may change the model's outputs; did you mean hidden_size?",
  ],
  [{ hidden_size: "64" }, 'hidden_size: expected an integer of at least 1, found "64"'],
  [{ hidden_size: 0 }, "hidden_size: expected an integer of at least 1, found 0"],
  [{ num_hidden_layers: 1.5 }, "num_hidden_layers: expected an integer"],
  [{ num_hidden_layers: 1e8 }, "num_hidden_layers: expected an integer from 1 to 1024"],
  [{ hidden_size: 66 }, "66 is not a multiple of num_attention_heads (4)"],
  [{ num_key_value_heads: 3 }, "4 is not a multiple of num_key_value_heads (3)"],
  [{ head_dim: 15 }, "head_dim: rotary embeddings need an even number, found 15"],
  [{ hidden_act: "swiglu" }, "hidden_act: expected silu, swish, gelu"],
  [{ attention_bias: 1 }, "attention_bias: expected true or false, found 1"],
  [{ rms_norm_eps: -1 }, "rms_norm_eps: expected a number of at least 0, found -1"],
  [{ attention_dropout: 0.1 }, "attention_dropout: 0.1 is not supported"],
  [{ sliding_window: 128 }, "sliding_window: 128 is not supported"],
  [
    { quantization_config: { bits: 4 } },
    'quantization_config: {"bits":4} is not supported (quantised weights)',
  ],
  [{ rope_interleaved: true }, "rope_interleaved: true is not supported"],
  [{ partial_rotary_factor: 0.5 }, "partial_rotary_factor: 0.5 is not supported"],
  [{ logit_scale: 0.5 }, "logit_scale: unknown key"],
  [{ rope_scaling: 2 }, "rope_scaling: expected an object, found 2"],
  [
    { rope_scaling: { type: "ntk", factor: 2 } },
    'rope_type: expected default, linear, dynamic, llama3, yarn or longrope, found "ntk"',
  ],
  [{ rope_scaling: { type: "linear" } }, "factor: missing, expected a number of at least 1"],
  [{ rope_scaling: { type: "linear", factor: 0.5 } }, "factor: expected a number of at least 1, found 0.5"],
  [
    { rope_parameters: { ...yarn, beta_fst: 32 } },
    "beta_fst: unknown key, which may change the model's outputs; did you mean beta_fast?",
  ],
  [
    { rope_parameters: { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 1 } },
    "high_freq_factor: expected more than low_freq_factor (4), found 1",
  ],
  [
    { rope_parameters: { rope_type: "longrope", short_factor: [1], long_factor: [] } },
    "short_factor: expected a list of 8 positive numbers, found [1]",
  ],
])("refused: %j", (changes, message) => {
  expect(() => parse(changes)).toThrow(message);
});

test("all problems are named at once", () => {
  expect(() => parse({ hidden_size: -1, hidden_act: "x", foo_scale: 2 })).toThrow(
    /hidden_size.*\n.*hidden_act.*\n.*foo_scale/,
  );
});
