import type { ConfigReader } from "../config-reader.ts";

/** The labels of a config. */
export interface ConfigLabels {
  /** By class index. */
  names: readonly string[];
  regression: boolean;
}

/** transformers' default names of classes. */
export const defaultLabels = (count: number) => Array.from({ length: count }, (_, i) => `LABEL_${i}`);

/** Reads `id2label`, else `num_labels` (2 by default), and `problem_type`; one label alone is a regression. */
export function readLabels(config: ConfigReader): ConfigLabels {
  const named = config.object("id2label");
  const names =
    named === undefined
      ? defaultLabels(config.positiveInteger("num_labels", 2))
      : readId2Label(config, named);
  config.value("num_labels");
  config.value("label2id");
  config.allowOnly(
    "problem_type",
    ["regression", "single_label_classification"],
    "one class, or one number, of each sequence",
  );
  const problem = config.value("problem_type");
  const regression = names.length === 1 && problem !== "single_label_classification";
  if (problem === "regression" && names.length !== 1)
    config.addProblem(`problem_type: a regression has one label, found ${names.length}`);
  return { names, regression };
}

function readId2Label(config: ConfigReader, named: Readonly<Record<string, unknown>>): string[] {
  const names = Object.keys(named).map((_, id) => named[id]);
  if (names.length > 0 && names.every((name) => typeof name === "string")) return names;
  config.addProblem(`id2label: expected the names of classes 0, 1, …, found ${JSON.stringify(named)}`);
  return Object.keys(named);
}
