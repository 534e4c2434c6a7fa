import { z } from "zod";
import { ScaloraError } from "../util/errors.ts";
import { findFile, readJson, readText } from "./tokenizer-files.ts";
import {
  type AddedToken,
  type SpecialTokenRole,
  specialTokenFlags,
  specialTokenRoles,
} from "./tokenizer-spec.ts";

/** Settings in `tokenizer_config.json` and its older companion files. */
export interface TokenizerSettings {
  /** The file that names the tokenizer class, for messages. */
  readonly where: string;
  /** `tokenizer_class` without the suffix `Fast`; undefined when it is missing or generic. */
  readonly tokenizerClass: string | undefined;
  /** Special tokens by role; null when the settings exclude one. */
  readonly specialTokens: Readonly<Partial<Record<SpecialTokenRole, ConfiguredToken | null>>>;
  /** Tokens with an id, in the order of their ids. */
  readonly addedTokens: readonly (AddedToken & { id: number })[];
  /** Further special tokens without an id. */
  readonly extraSpecialTokens: readonly ConfiguredToken[];
  readonly addBos: boolean | undefined;
  readonly addEos: boolean | undefined;
  readonly chatTemplate: string | undefined;
  /** The file that holds the chat template. */
  readonly chatTemplateFile: string | undefined;
  /** Keys that only some kinds of tokenizers support. */
  readonly options: TokenizerKeys;
}

/** A token in the settings, with the flags that they specify. */
export type ConfiguredToken = Pick<AddedToken, "content"> & Partial<AddedToken>;

const namedToken = z.union([
  z.string().transform((content): ConfiguredToken => ({ content })),
  z
    .looseObject({
      content: z.string(),
      single_word: z.boolean().optional(),
      lstrip: z.boolean().optional(),
      rstrip: z.boolean().optional(),
      normalized: z.boolean().optional(),
      special: z.boolean().optional(),
    })
    .transform(
      ({ content, single_word, lstrip, rstrip, normalized, special }): ConfiguredToken => ({
        content,
        ...dropUndefined({ single_word, lstrip, rstrip, normalized, special }),
      }),
    ),
]);

const specialTokenKeys = z.looseObject({
  bos_token: namedToken.nullish(),
  eos_token: namedToken.nullish(),
  unk_token: namedToken.nullish(),
  pad_token: namedToken.nullish(),
  cls_token: namedToken.nullish(),
  sep_token: namedToken.nullish(),
  mask_token: namedToken.nullish(),
  additional_special_tokens: z.array(namedToken).nullish(),
});
type SpecialTokenKeys = z.output<typeof specialTokenKeys>;

const tokenizerKeys = z.looseObject({
  legacy: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
  do_basic_tokenize: z.boolean().nullish(),
  split_by_punct: z.boolean().nullish(),
  extra_ids: z.int().min(0).max(10_000).nullish(),
});
type TokenizerKeys = z.output<typeof tokenizerKeys>;

const tokenizerConfig = specialTokenKeys.extend(tokenizerKeys.shape).extend({
  tokenizer_class: z.string().nullish(),
  added_tokens_decoder: z.record(z.string().regex(/^\d{1,9}$/, "a token id"), namedToken).nullish(),
  extra_special_tokens: z.union([z.array(namedToken), z.record(z.string(), namedToken)]).nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish(),
});
type TokenizerConfig = z.output<typeof tokenizerConfig>;

const modelConfig = z.looseObject({ model_type: z.string().nullish() });

/** Classes of the `model_type`s whose folders may lack `tokenizer_config.json`. */
const classOfModelType: ReadonlyMap<string, string> = new Map([
  ["bert", "BertTokenizer"],
  ["distilbert", "DistilBertTokenizer"],
  ["electra", "ElectraTokenizer"],
  ["roberta", "RobertaTokenizer"],
  ["deberta-v2", "DebertaV2Tokenizer"],
  ["gpt2", "GPT2Tokenizer"],
  ["qwen2", "Qwen2Tokenizer"],
  ["qwen3", "Qwen2Tokenizer"],
  ["llama", "LlamaTokenizer"],
  ["mistral", "LlamaTokenizer"],
  ["gemma", "GemmaTokenizer"],
  ["gemma2", "GemmaTokenizer"],
  ["t5", "T5Tokenizer"],
]);

/** Generic classes, which specify nothing. */
const genericClasses: ReadonlySet<string> = new Set(["PreTrainedTokenizer", "TokenizersBackend"]);

/** Reads the settings of a folder's tokenizer. */
export function readTokenizerSettings(folder: string): TokenizerSettings {
  const configPath = findFile(folder, "tokenizer_config.json");
  const config = configPath === undefined ? {} : readJson(configPath, tokenizerConfig);
  const mapPath = findFile(folder, "special_tokens_map.json");
  // Newer folders have everything in tokenizer_config.json; in older ones the map takes precedence (transformers).
  const map = mapPath === undefined || config.added_tokens_decoder ? {} : readJson(mapPath, specialTokenKeys);
  const source = { ...config, ...dropUndefined(map) };
  return {
    where: configPath ?? folder,
    tokenizerClass: readTokenizerClass(folder, config),
    specialTokens: readSpecialTokens(source),
    addedTokens: readAddedTokens(folder, config),
    extraSpecialTokens: [...(source.additional_special_tokens ?? []), ...readExtraSpecialTokens(config)],
    addBos: config.add_bos_token ?? undefined,
    addEos: config.add_eos_token ?? undefined,
    chatTemplate: readChatTemplate(folder, config),
    chatTemplateFile: findFile(folder, "chat_template.jinja") ?? configPath,
    options: config,
  };
}

/** Removes keys whose value is undefined. */
function dropUndefined<T extends object>(source: T): { [Key in keyof T]?: Exclude<T[Key], undefined> };
function dropUndefined(source: object): object {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined));
}

function readTokenizerClass(folder: string, config: TokenizerConfig): string | undefined {
  let name = config.tokenizer_class ?? undefined;
  if (name === undefined) {
    const path = findFile(folder, "config.json");
    name = path && classOfModelType.get(readJson(path, modelConfig).model_type ?? "");
  }
  const base = name?.replace(/Fast$/, "");
  return base !== undefined && genericClasses.has(base) ? undefined : base;
}

function readSpecialTokens(source: SpecialTokenKeys): TokenizerSettings["specialTokens"] {
  const result: Partial<Record<SpecialTokenRole, ConfiguredToken | null>> = {};
  for (const role of specialTokenRoles) {
    const token = source[`${role}_token`];
    if (token !== undefined) result[role] = token?.content === "" ? null : token;
  }
  return result;
}

const addedTokensFile = z.record(z.string(), z.int().nonnegative());

function readAddedTokens(folder: string, config: TokenizerConfig): (AddedToken & { id: number })[] {
  const plain = { ...specialTokenFlags, special: false };
  const result = Object.entries(config.added_tokens_decoder ?? {}).map(([id, token]) => ({
    ...plain,
    ...token,
    id: Number(id),
  }));
  const path = findFile(folder, "added_tokens.json");
  if (path !== undefined && result.length === 0) {
    for (const [content, id] of Object.entries(readJson(path, addedTokensFile))) {
      result.push({ ...plain, normalized: true, content, id });
    }
  }
  return result.sort((a, b) => a.id - b.id);
}

function readExtraSpecialTokens(config: TokenizerConfig): readonly ConfiguredToken[] {
  const extra = config.extra_special_tokens ?? [];
  return Array.isArray(extra) ? extra : Object.values(extra);
}

/** The chat template; a file takes precedence over the key, as in transformers; a list must contain a template `default`. */
function readChatTemplate(folder: string, config: TokenizerConfig): string | undefined {
  const path = findFile(folder, "chat_template.jinja");
  if (path !== undefined) return readText(path);
  const template = config.chat_template ?? undefined;
  if (template === undefined || typeof template === "string") return template;
  const chosen = template.find(({ name }) => name === "default");
  if (chosen !== undefined || template.length === 0) return chosen?.template;
  throw new ScaloraError("format", "No chat template is the default one", {
    where: folder,
    expected: 'a template named "default" in chat_template',
    found: template.map(({ name }) => JSON.stringify(name)).join(", "),
  });
}
