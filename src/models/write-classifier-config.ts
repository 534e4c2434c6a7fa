import type { SequenceClassifier } from "../nn/index.ts";
import type { JsonObject } from "../util/json-file.ts";
import { parseJson } from "../util/strict-json.ts";
import { parseClassifierConfig } from "./classifier-families.ts";

/** Writes a classifier's labels into a config, in the keys that transformers' sequence classifiers read. */
export function writeClassifierConfig(config: JsonObject, { info }: SequenceClassifier): void {
  const { labels, regression } = info;
  const set = (key: string, value: unknown) => config.set(key, parseJson(JSON.stringify(value)));
  set("architectures", [parseClassifierConfig(config, "config.json").architecture]);
  config.delete("num_labels");
  set("id2label", Object.fromEntries(labels.map((label, id) => [id, label])));
  set("label2id", Object.fromEntries(labels.map((label, id) => [label, id])));
  set("problem_type", regression ? "regression" : "single_label_classification");
}
