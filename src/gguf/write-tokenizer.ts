import { assembleTokenizer } from "../tokenizer/assemble-tokenizer.ts";
import type { TokenizerSource } from "../tokenizer/read-tokenizer.ts";
import { ScaloraError } from "../util/errors.ts";
import {
  boolItem,
  int32ArrayItem,
  type MetadataItem,
  stringArrayItem,
  stringItem,
  uint32Item,
} from "./encode-metadata.ts";
import { endTokenItems } from "./end-tokens.ts";
import {
  type ParsedTokenizer,
  parseTokenizerJson,
  unsupportedTokenizerError,
} from "./parse-tokenizer-json.ts";
import { byteLevelItems, sentencePieceItems } from "./write-tokenizer-model.ts";

/** Token types by their GGUF numbers. */
const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

/** A model's tokenizer to be written to a GGUF file. */
export interface TokenizerToWrite extends TokenizerSource {
  /** Its model folder or GGUF file, for messages. */
  readonly where: string;
  /** Tokens that end an output. */
  readonly eosTokenIds: readonly number[];
  /** The token with which the chat template ends an answer, where it has one. */
  readonly endOfTurnId?: number | undefined;
}

/**
 * The metadata of a model's tokenizer and chat template.
 * @param rows rows of the embedding; the file lists as many tokens
 * @throws ScaloraError `usage` for a tokenizer that GGUF cannot represent
 */
export function tokenizerItems(
  { where, spec, settings, eosTokenIds, endOfTurnId }: TokenizerToWrite,
  rows: number,
): MetadataItem[] {
  const assembly = assembleTokenizer(spec, settings);
  const parts = parseTokenizerJson(where, assembly.json);
  if (assembly.requiredRows > rows) {
    throw new ScaloraError("usage", "GGUF cannot represent this tokenizer", {
      where,
      expected: `at most ${rows} tokens, as many as the model has rows`,
      found: `${assembly.requiredRows}`,
    });
  }
  const tokens = tokenTexts(parts, rows);
  const { bos, eos, unk, pad } = assembly.special;
  const types = tokens.map((token, id) => tokenType(parts, token, id, unk?.id));
  const own = parts.isByteLevel ? byteLevelItems(parts) : sentencePieceItems(parts, tokens, types);
  const special = { bos, eos, unknown: unk, padding: pad };
  const ids = Object.entries(special).flatMap(([role, token]) =>
    token === undefined ? [] : [uint32Item(`tokenizer.ggml.${role}_token_id`, token.id)],
  );
  return [
    stringItem("tokenizer.ggml.model", parts.isByteLevel ? "gpt2" : "llama"),
    stringArrayItem("tokenizer.ggml.tokens", tokens),
    int32ArrayItem("tokenizer.ggml.token_type", types),
    ...own,
    ...ids,
    ...endTokenItems({ eos: eos?.id, listed: eosTokenIds, endOfTurn: endOfTurnId }, tokens),
    boolItem("tokenizer.ggml.add_bos_token", addsToken(parts, "before", bos?.content)),
    boolItem("tokenizer.ggml.add_eos_token", addsToken(parts, "after", eos?.content)),
    ...(settings.chatTemplate === undefined
      ? []
      : [stringItem("tokenizer.chat_template", settings.chatTemplate)]),
  ];
}

/** A token for every row of the embedding: rows beyond the tokenizer's tokens get padding tokens that no text contains. */
function tokenTexts({ vocabulary, addedTokens }: ParsedTokenizer, rows: number): string[] {
  const tokens: (string | undefined)[] = Array.from({ length: rows });
  for (const [token, id] of vocabulary) if (id < rows) tokens[id] = token;
  for (const { content, id } of addedTokens.values()) if (id < rows) tokens[id] = content;
  return tokens.map((token, id) => token ?? unusedTokenName(id));
}

const unusedTokenName = (id: number) => `[PAD${id}]`;

function tokenType(
  { addedTokens, isByteLevel }: ParsedTokenizer,
  token: string,
  id: number,
  unk: number | undefined,
) {
  if (!isByteLevel && id === unk) return tokenTypes.unknown;
  const known = addedTokens.get(id);
  if (known !== undefined) return known.special ? tokenTypes.control : tokenTypes.userDefined;
  if (token === unusedTokenName(id)) return tokenTypes.unused;
  return !isByteLevel && /^<0x[0-9A-F]{2}>$/.test(token) ? tokenTypes.byte : tokenTypes.normal;
}

function addsToken(
  { template, where }: ParsedTokenizer,
  side: "before" | "after",
  token: string | undefined,
) {
  const found = template[side];
  if (found.length === 0) return false;
  if (found.length === 1 && found[0] === token) return true;
  throw unsupportedTokenizerError(where, `other tokens than bos and eos around a text: ${found.join(" ")}`);
}
