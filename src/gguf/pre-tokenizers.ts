import { byteLevelComponent } from "../tokenizer/byte-level-components.ts";
import type { Component } from "../tokenizer/tokenizer-spec.ts";

/** The components that a value of `tokenizer.ggml.pre` names. */
export interface PreTokenizer {
  readonly component: Component;
  readonly normalizer: Component | null;
  /** A word that is itself a token is not split (`ignore_merges`). */
  readonly ignoresMerges: boolean;
  /** Whether a text begins with the BOS token where the file does not specify it. */
  readonly addsBos: boolean;
}

const digitsFirst: Component = {
  type: "Sequence",
  pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevelComponent(false)],
};

const splitByPattern = (pattern: string): Component => ({
  type: "Sequence",
  pretokenizers: [
    { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
    byteLevelComponent(false, false),
  ],
});

/** The pattern of Llama 3 and Qwen 2, which differ in the number of digits per word. */
const wordPattern = (digits: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

const tekkenPattern =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const plain = { normalizer: null, ignoresMerges: false, addsBos: false };
const gpt2: PreTokenizer = { ...plain, component: byteLevelComponent(false) };
const smollm: PreTokenizer = { ...plain, component: digitsFirst };
const llama3: PreTokenizer = {
  ...plain,
  component: splitByPattern(wordPattern("\\p{N}{1,3}")),
  ignoresMerges: true,
  addsBos: true,
};
/** With the NFC normalisation of the model's own tokenizer, which llama.cpp leaves out. */
const qwen2: PreTokenizer = {
  ...plain,
  component: splitByPattern(wordPattern("\\p{N}")),
  normalizer: { type: "NFC" },
};

/**
 * By the names in files (llama.cpp, `src/llama-vocab.cpp`), with the components of the models' own tokenizer.json. Of equal
 * ones, the first name is written.
 */
export const preTokenizers: ReadonlyMap<string, PreTokenizer> = new Map<string, PreTokenizer>([
  ["gpt-2", gpt2],
  ["mpt", gpt2],
  ["olmo", gpt2],
  ["smollm", smollm],
  ["starcoder", smollm],
  ["refact", smollm],
  ["command-r", smollm],
  ["codeshell", smollm],
  ["llama-bpe", llama3],
  ["llama3", llama3],
  ["llama-v3", llama3],
  ["smaug-bpe", { ...llama3, ignoresMerges: false, addsBos: false }],
  ["qwen2", qwen2],
  ["deepseek-r1-qwen", qwen2],
  ["tekken", { ...plain, component: splitByPattern(tekkenPattern), ignoresMerges: true, addsBos: true }],
]);
