import { english, instructionWords, lumi, wordKinds } from "./lexicon.ts";

/** Special tokens and words, in the order of their token ids. */
function vocabulary(): string[] {
  const words = [english(), lumi()].flatMap((lexicon) => wordKinds.flatMap((kind) => lexicon[kind]));
  return [...specials, ...instructionWords, ...words];
}

const [unknown, begin, end] = ["<unk>", "<s>", "</s>"] as const;
const specials: readonly string[] = [unknown, begin, end];

/** `config.json` of the embedded model: a Llama with grouped-query attention, 0.6 million parameters. */
export function tinyConfig() {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: 96,
    intermediate_size: 256,
    num_hidden_layers: 4,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    head_dim: 16,
    vocab_size: vocabulary().length,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    hidden_act: "silu",
    initializer_range: 0.05,
    tie_word_embeddings: false,
    bos_token_id: specials.indexOf(begin),
    eos_token_id: specials.indexOf(end),
    dtype: "float32",
  };
}

/** `tokenizer.json`: one token per word. */
export function tinyTokenizer() {
  const words = vocabulary();
  const special = (content: string) => ({
    id: words.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const begins = { SpecialToken: { id: begin, type_id: 0 } };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specials.map(special),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: {
      type: "TemplateProcessing",
      single: [begins, { Sequence: { id: "A", type_id: 0 } }],
      pair: [begins, { Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 0 } }],
      special_tokens: { [begin]: { id: begin, ids: [words.indexOf(begin)], tokens: [begin] } },
    },
    decoder: null,
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      unk_token: unknown,
    },
  };
}

export const tinyTokenizerConfig = {
  tokenizer_class: "PreTrainedTokenizerFast",
  bos_token: begin,
  eos_token: end,
  unk_token: unknown,
  model_max_length: 64,
  clean_up_tokenization_spaces: false,
};
