import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeModelFolder } from "../model-files/write-model-folder.ts";
import { createClassifier } from "../models/index.ts";
import { Generator } from "../torch/index.ts";
import { Random } from "../util/random.ts";
import { parseJson } from "../util/strict-json.ts";

const [good, bad] = [
  ["good", "great", "fine", "lovely"],
  ["bad", "poor", "awful", "dull"],
];
const neutral = ["the", "film", "was", "a", "story", "and", "of", "people", "in", "town"];
const vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ...good, ...bad, ...neutral];

/** A BERT of 2 layers with a vocabulary of a few words and all of BERT's dropout. */
const tinyBertConfig = {
  model_type: "bert",
  vocab_size: vocabulary.length,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 32,
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  initializer_range: 0.2,
  dtype: "float32",
};

/** Writes the model folder of a tiny BERT without a head: random weights, a tokenizer of words. */
export function writeTinyBert(folder: string): void {
  const companions = `${folder}-companions`;
  mkdirSync(companions, { recursive: true });
  writeFileSync(join(companions, "vocab.txt"), `${vocabulary.join("\n")}\n`);
  writeFileSync(join(companions, "tokenizer_config.json"), '{"tokenizer_class": "BertTokenizer"}');
  using generator = new Generator(5, "cpu");
  using model = createClassifier(tinyBertConfig, generator);
  const config = parseJson(JSON.stringify(tinyBertConfig));
  if (!(config instanceof Map)) throw new Error("a config is an object");
  const weights = [...model.namedParameters()].flatMap(([name, value]) =>
    name.startsWith("bert.") ? [[name.slice("bert.".length), value] as const] : [],
  );
  writeModelFolder(folder, { config, weights, auxiliarySource: companions });
}

/** Rows whose label depends on one word of praise or blame; a third are pairs. */
function sentimentRows(count: number, seed: number): string {
  const random = new Random(seed);
  const words = (least: number) =>
    Array.from({ length: least + random.integerBelow(4) }, () => random.pick(neutral));
  const rows = Array.from({ length: count }, (_, i) => {
    const isGood = random.integerBelow(2) === 1;
    const sentence1 = random.shuffled([...words(2), random.pick(isGood ? good : bad)]).join(" ");
    const sentence2 = i % 3 === 0 ? words(1).join(" ") : null;
    return JSON.stringify({ sentence1, sentence2, label: isGood ? "praise" : "blame" });
  });
  return `${rows.join("\n")}\n`;
}

/** Writes the model (`bert`) and rows with labels (`train.jsonl`, `test.jsonl`). */
export function writeTinySentimentProject(folder: string): void {
  writeTinyBert(join(folder, "bert"));
  writeFileSync(join(folder, "train.jsonl"), sentimentRows(160, 1));
  writeFileSync(join(folder, "test.jsonl"), sentimentRows(40, 2));
}
