import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createModel, saveModelWithConfig } from "../models/index.ts";
import { Generator } from "../torch/index.ts";
import { parseJson } from "../util/strict-json.ts";

/** A Llama of 2 layers over bytes and four special tokens. */
export const tinyLlamaConfig = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 260,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  initializer_range: 0.1,
  tie_word_embeddings: false,
  bos_token_id: 256,
  eos_token_id: 257,
  dtype: "float32",
};

const specials = ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>"];

const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** GPT-2's printable character for each byte. */
function byteCharacters(): string[] {
  const isShown = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let hidden = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isShown(byte) ? byte : 256 + hidden++),
  );
}

const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };

/** A byte tokenizer: token ids 0 to 255 are the values of the bytes. */
export const byteTokenizer = {
  version: "1.0",
  added_tokens: specials.map((content, i) => ({
    id: 256 + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: byteLevel,
  post_processor: null,
  decoder: byteLevel,
  model: {
    type: "BPE",
    vocab: Object.fromEntries([...byteCharacters(), ...specials].map((character, id) => [character, id])),
    merges: [],
  },
};

export interface TinyLlamaOptions {
  config?: Readonly<Record<string, unknown>>;
  /** With a chat template; the default. */
  chat?: boolean;
  seed?: number;
}

/** Writes a complete model folder: the tiny Llama with random weights, a byte tokenizer, a chat template. */
export function writeTinyLlama(
  folder: string,
  { config, chat = true, seed = 5 }: TinyLlamaOptions = {},
): void {
  const companions = `${folder}-companions`;
  mkdirSync(companions, { recursive: true });
  const write = (name: string, value: unknown) =>
    writeFileSync(join(companions, name), JSON.stringify(value));
  write("tokenizer.json", byteTokenizer);
  write("tokenizer_config.json", {
    bos_token: "<|bos|>",
    eos_token: "<|eos|>",
    clean_up_tokenization_spaces: false,
    ...(chat && { chat_template: chatTemplate }),
  });
  write("generation_config.json", { eos_token_id: [257, 259] });
  const complete = { ...tinyLlamaConfig, ...config };
  using generator = new Generator(seed, "cpu");
  using model = createModel(complete, generator);
  const json = parseJson(JSON.stringify(complete));
  if (!(json instanceof Map)) throw new Error("a config is an object");
  saveModelWithConfig(model, json, companions, folder);
}
