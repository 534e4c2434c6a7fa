import { expect, test } from "vitest";
import { createModel } from "../models/index.ts";
import { tokenStream } from "../nn/index.ts";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import { tinyLlamaConfig } from "../testing/tiny-llama.ts";
import { endRecording, Generator, noGrad, scope, startRecording } from "../torch/index.ts";
import { labelModules } from "./label-modules.ts";

const made = checkTensorLeaks();

const makeModel = () => {
  using generator = new Generator(3, "cpu");
  const model = createModel(tinyLlamaConfig, generator);
  made.push(model);
  return model;
};

test("each module that runs is labelled with its own path, until the labels are removed", () => {
  const model = makeModel();
  const run = () =>
    noGrad(() =>
      scope(() => model.hiddenStates(tokenStream([1, 2, 3], undefined, { device: "cpu" })).toFloats()),
    );
  const record = () => {
    startRecording();
    const values = run();
    const names = [...endRecording().events].filter(({ kind }) => kind === "module").map(({ name }) => name);
    return { values, names };
  };
  const plain = record();
  expect(plain.names).toEqual([]);
  const remove = labelModules(model);
  const labelled = record();
  remove();
  expect(labelled.values).toEqual(plain.values);
  expect(record()).toEqual(plain);
  const layer = (index: number) =>
    ["", ".input_layernorm", ".self_attn", ...["q", "k", "v", "o"].map((name) => `.self_attn.${name}_proj`)]
      .concat(".post_attention_layernorm", ".mlp", ".mlp.gate_proj", ".mlp.up_proj", ".mlp.down_proj")
      .map((name) => `model.layers.${index}${name}`);
  expect(labelled.names.toSorted()).toEqual(
    ["model", "model.embed_tokens", ...layer(0), ...layer(1), "model.norm"].toSorted(),
  );
});

test("the label of a module that fails ends", () => {
  const model = makeModel();
  const remove = labelModules(model);
  startRecording();
  expect(() => scope(() => model.hiddenStates(tokenStream([9999], undefined, { device: "cpu" })))).toThrow();
  const events = [...endRecording().events];
  remove();
  const labels = events.filter(({ kind }) => kind === "module");
  expect(labels.map(({ name }) => name)).toEqual(["model", "model.embed_tokens"]);
  expect(labels.every(({ sequenceEnd }) => sequenceEnd >= 0)).toBe(true);
});
