import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ChatTemplate } from "../../../src/data/index.ts";
import { loadTokenizer } from "../../../src/model-files/load-tokenizer.ts";
import { byteTokenizer } from "../../../src/testing/tiny-llama.ts";
import { publishedPatterns } from "../../../src/tokenizer/testing/published-patterns.ts";
import { type Mutator, oneOf } from "../mutate/bytes.ts";
import { mutateJson } from "../mutate/json.ts";
import { mutateProtobuf } from "../mutate/protobuf.ts";
import { mutateRegex } from "../mutate/regex.ts";
import { mutateText } from "../mutate/text.ts";
import { bytesOf, golden, goldenPath, type Target } from "../target.ts";

const text = "The 3 cats' naïve\n\n  日本 <s> <|eos|> [MASK] 😀";

async function encodeText(folder: string): Promise<void> {
  const tokenizer = await loadTokenizer(folder);
  const { ids } = await tokenizer.encode(text);
  await tokenizer.decode(ids);
}

/** A tokenizer's folder, one of whose files is damaged. */
function folderTarget(name: string, file: string, seeds: Uint8Array[], mutate: Mutator): Target {
  return { name, file, seeds, mutate, use: encodeText };
}

/** A tokenizer.json with as many kinds of components as go together. */
const wordPiece = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: ["[UNK]", "[CLS]", "[SEP]", "[MASK]"].map((content, id) => {
    return {
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    };
  }),
  normalizer: {
    type: "Sequence",
    normalizers: [{ type: "NFD" }, { type: "Lowercase" }, { type: "StripAccents" }],
  },
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: "\\s+" }, behavior: "Removed", invert: false },
      { type: "Digits", individual_digits: true },
    ],
  },
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "[CLS]", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
    special_tokens: { "[CLS]": { id: "[CLS]", ids: [1], tokens: ["[CLS]"] } },
  },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: { "[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[MASK]": 3, the: 4, cat: 5, "##s": 6, n: 7, "##a": 8 },
  },
};

const componentValues = [
  '"BPE"',
  '"Unigram"',
  '"ByteLevel"',
  '"Metaspace"',
  '{"type":"NFKC"}',
  '{"type":"ByteFallback"}',
  '{"type":"Replace","pattern":{"Regex":"(a*)*$"},"content":"x"}',
  '{"type":"Precompiled","precompiled_charsmap":"AAAA"}',
  '[["a",-1.5],["b",0]]',
  '["a b"]',
];

const tokenizerJson = folderTarget(
  "tokenizer-json",
  "tokenizer.json",
  [golden("tokenizers", "llama3", "tokenizer.json"), bytesOf(wordPiece)],
  mutateJson(componentValues),
);

/** 2 to the power of 40 ways to match forty letters. */
const manyWays = `${"(?:a|a){10}".repeat(4)}[bc]`;

/** The expression of a tokenizer.json, on long texts of the letters that mutated ones have. */
const splitPattern: Target = {
  name: "split-pattern",
  file: "pattern.txt",
  seeds: [
    ...Object.values(publishedPatterns),
    ...[`(?>${manyWays})d`, `(?=${manyWays})d`, `(?:${manyWays})*`, `${manyWays}e{2,1}`],
    ...["(?:a|a){10}(?:a|a){9}a*[bc]", "(?i:[ß s])+x", "(".repeat(20_000)],
  ].map(bytesOf),
  mutate: mutateRegex,
  use: async (folder) => {
    const pattern = { Regex: readFileSync(join(folder, "pattern.txt"), "utf8") };
    const split = { type: "Split", pattern, behavior: "Isolated", invert: false };
    const pretokenizers = [split, byteTokenizer.pre_tokenizer];
    const file = { ...byteTokenizer, pre_tokenizer: { type: "Sequence", pretokenizers } };
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(file));
    const tokenizer = await loadTokenizer(folder);
    for (const part of ["a", " ", "ab", "s", "aab ", "1", "ß"]) await tokenizer.encode(part.repeat(3000));
  },
};

const tokenizerConfig: Target = {
  ...folderTarget(
    "tokenizer-config",
    "tokenizer_config.json",
    [
      golden("tokenizers", "gpt2", "tokenizer_config.json"),
      bytesOf({
        tokenizer_class: "PreTrainedTokenizerFast",
        bos_token: "<|bos|>",
        eos_token: { content: "<|eos|>", lstrip: false, normalized: false, special: true },
        added_tokens_decoder: { "256": { content: "<|bos|>", special: true } },
        additional_special_tokens: ["<|im_start|>"],
        add_bos_token: true,
        model_max_length: 1e30,
        chat_template: "{{ messages[0].content }}",
      }),
    ],
    mutateJson(['"LlamaTokenizer"', '"T5Tokenizer"', '"<|eos|>"', '{"content":"<|new|>"}']),
  ),
  prepare: (folder) => writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer)),
};

/** The text of a file, as text or as lines that JSON holds. */
const vocabulary: Target = folderTarget(
  "vocab-txt",
  "vocab.txt",
  [golden("tokenizers", "bert-uncased", "vocab.txt")],
  mutateText(["[UNK]", "[CLS]", "##", "\n", "\r\n"]),
);

const merges: Target = {
  ...folderTarget(
    "merges",
    "merges.txt",
    [golden("tokenizers", "gpt2", "merges.txt")],
    mutateText(["#version: 0.2", "Ġ", " ", "\n"]),
  ),
  prepare: (folder) => writeFileSync(join(folder, "vocab.json"), golden("tokenizers", "gpt2", "vocab.json")),
};

const sentencePiece = folderTarget(
  "sentencepiece",
  "tokenizer.model",
  [
    golden("tokenizers", "llama", "tokenizer.model"),
    golden("tokenizers", "gemma", "tokenizer.model"),
    golden("tokenizers", "t5", "spiece.model"),
    golden("tokenizers", "deberta", "spm.model"),
  ],
  mutateProtobuf,
);

const templates = z
  .object({ templates: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(goldenPath("chat-templates.json"), "utf8"))).templates;

const jinjaWords = [
  "{%",
  "%}",
  "{{",
  "}}",
  "{#",
  "for",
  "endfor",
  "endif",
  "if",
  "set",
  "macro",
  "endmacro",
  "namespace()",
  "range(1000000000)",
  "raise_exception('x')",
  "| join",
  "| tojson",
  "| length",
  "| replace('a', 'aa')",
  "[::-1]",
  "['constructor']",
  ".__proto__",
  "~ x ~",
  "* 1000000",
  "loop.index0",
  "strftime_now('%Y')",
  "not",
  "in",
  "is defined",
  "true",
  "none",
  "messages",
  "{% for m in messages %}{% for n in messages %}",
  "{% set x = x ~ x %}",
  "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
];

const messages = [
  { role: "system", content: "Be kind" },
  { role: "user", content: "Hi" },
  { role: "assistant", content: "Hello" },
];

const chatTemplate: Target = {
  name: "chat-template",
  file: "chat_template.jinja",
  seeds: Object.values(templates).map(bytesOf),
  mutate: oneOf(mutateText(jinjaWords), mutateText(jinjaWords), mutateText()),
  use: (folder) => {
    const source = readFileSync(join(folder, "chat_template.jinja"), "utf8");
    const template = new ChatTemplate(source, {});
    template.render(messages, { addGenerationPrompt: true });
  },
};

/** Tokenizers and chat templates. */
export const tokenizerTargets: readonly Target[] = [
  tokenizerJson,
  splitPattern,
  tokenizerConfig,
  vocabulary,
  merges,
  sentencePiece,
  chatTemplate,
];
