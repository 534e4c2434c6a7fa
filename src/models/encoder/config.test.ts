import { expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { parseBertConfig } from "../bert/config.ts";
import { parseDebertaConfig } from "../deberta-v2/config.ts";
import { parseRobertaConfig } from "../roberta/config.ts";
import { configRefusal } from "../testing/config-refusal.ts";

type Values = Record<string, unknown>;
const small = { hidden_size: 64, num_attention_heads: 4 };
const bert = (changes: Values) =>
  parseBertConfig({ model_type: "bert", ...small, ...changes }, "config.json");
const deberta = (changes: Values) =>
  parseDebertaConfig({ model_type: "deberta-v2", ...small, ...changes }, "config.json");

test("defaults are transformers' own", () => {
  const common = {
    maxPositionEmbeddings: 512,
    activation: "gelu",
    hiddenDropout: 0.1,
    attentionDropout: 0.1,
    initializerRange: 0.02,
    labels: { names: ["LABEL_0", "LABEL_1"], regression: false },
  };
  const base = { hiddenSize: 768, intermediateSize: 3072, layers: 12, heads: 12, typeVocabSize: 2 };
  const plain = { ...common, ...base, normEpsilon: 1e-12, classifierDropout: 0.1 };
  expect(parseBertConfig({}, "")).toEqual({ ...plain, vocabSize: 30_522, padTokenId: 0 });
  expect(parseRobertaConfig({}, "")).toEqual({ ...plain, vocabSize: 50_265, padTokenId: 1 });
  expect(parseDebertaConfig({}, "")).toEqual({
    ...common,
    vocabSize: 128_100,
    hiddenSize: 1536,
    intermediateSize: 6144,
    layers: 24,
    heads: 24,
    headDim: 64,
    typeVocabSize: 0,
    normEpsilon: 1e-7,
    padTokenId: 0,
    embeddingSize: 1536,
    absolutePositions: true,
    relativePositions: false,
    contentToPosition: false,
    positionToContent: false,
    buckets: 0,
    maxDistance: 512,
    sharedProjections: false,
    normedPositions: false,
    convolution: undefined,
    poolerDropout: 0,
    poolerActivation: "gelu",
    classifierDropout: 0.1,
  });
});

test("both ways of writing lists, null, and a dropout of a classifier's own", () => {
  const both = { contentToPosition: true, positionToContent: true };
  expect(deberta({ pos_att_type: "P2C|c2p" })).toMatchObject(both);
  expect(deberta({ pos_att_type: ["c2p", "p2c"] })).toMatchObject(both);
  expect(
    deberta({ norm_rel_ebd: "layer_norm", cls_dropout: 0.15, max_relative_positions: 64 }),
  ).toMatchObject({
    normedPositions: true,
    classifierDropout: 0.15,
    maxDistance: 64,
  });
  expect(deberta({ conv_kernel_size: 3, conv_groups: 2, conv_act: "gelu" }).convolution).toEqual({
    kernel: 3,
    groups: 2,
    activation: "gelu",
  });
  expect(bert({ pad_token_id: null, classifier_dropout: null })).toMatchObject({
    padTokenId: -1,
    classifierDropout: 0.1,
  });
});

test("labels: their names, their number, a regression", () => {
  const labels = (changes: Values) => bert(changes).labels;
  expect(labels({ id2label: { 1: "yes", 0: "no" } })).toEqual({ names: ["no", "yes"], regression: false });
  expect(labels({ num_labels: 3 }).names).toEqual(["LABEL_0", "LABEL_1", "LABEL_2"]);
  expect(labels({ num_labels: 1 }).regression).toBe(true);
  expect(labels({ num_labels: 1, problem_type: "single_label_classification" }).regression).toBe(false);
});

test.each<[parse: () => unknown, key: string, detail: string]>([
  [() => bert({ hidden_sizes: 1 }), "hidden_sizes", "unknown key"],
  [() => bert({ hidden_size: 66 }), "hidden_size", "66 is not a multiple of num_attention_heads (4)"],
  [() => bert({ position_embedding_type: "relative_key" }), "position_embedding_type", '"relative_key"'],
  [() => bert({ hidden_act: "swiglu" }), "hidden_act", "silu, swish, gelu"],
  [() => bert({ is_decoder: true }), "is_decoder", "true"],
  [() => bert({ type_vocab_size: 0 }), "type_vocab_size", "at least 1, found 0"],
  [() => bert({ hidden_dropout_prob: 1, classifier_dropout: 0 }), "hidden_dropout_prob", "below 1, found 1"],
  [
    () => bert({ problem_type: "multi_label_classification" }),
    "problem_type",
    '"multi_label_classification"',
  ],
  [() => bert({ problem_type: "regression" }), "problem_type", "found 2"],
  [() => bert({ id2label: { 0: "a", 2: "b" } }), "id2label", 'found {"0":"a","2":"b"}'],
  [() => deberta({ pos_att_type: "c2p|p2p" }), "pos_att_type", 'c2p, p2c, found "p2p"'],
  [() => deberta({ conv_kernel_size: 4 }), "conv_kernel_size", "found 4"],
  [
    () => deberta({ conv_kernel_size: 3, conv_groups: 3 }),
    "conv_groups",
    "3 does not divide hidden_size (64)",
  ],
  [() => deberta({ attention_head_size: 8 }), "attention_head_size", "8"],
  [() => deberta({ pooler_hidden_size: 8 }), "pooler_hidden_size", "8"],
  [
    () => deberta({ position_buckets: 256, max_relative_positions: 100 }),
    "position_buckets",
    "(100) at most, found 256",
  ],
  [() => deberta({ z_steps: 2 }), "z_steps", "unknown key"],
])("refused: %s", (parse, key, detail) => {
  expect(parse).toThrow(configRefusal(key, detail));
});

test("RoBERTa without a padding token", () => {
  expect(() => parseRobertaConfig({ pad_token_id: null }, "config.json")).toThrow(
    refusal("model", { where: "config.json", found: "no pad_token_id, 512 positions" }),
  );
});

test("more layers than any model has are refused before one is built", () => {
  const changes = { num_hidden_layers: 1e8 };
  for (const parse of [bert, deberta])
    expect(() => parse(changes)).toThrow(
      configRefusal("num_hidden_layers", "an integer, at least 1, at most 1024, found 100000000"),
    );
});
