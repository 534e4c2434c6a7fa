import { generationEnds } from "../hub/generation-ends.ts";
import { assemble } from "../tokenizer/assemble.ts";
import { readTokenizerSource } from "../tokenizer/source.ts";
import { ScaloraError } from "../util/errors.ts";
import { count, flag, type MetadataItem, text, texts, wholes } from "./metadata-items.ts";
import { byteLevelItems, scoredItems } from "./tokenizer-kinds.ts";
import { readParts, type TokenizerParts, unsayable } from "./tokenizer-parts.ts";

/** Types of tokens, as the format numbers them. */
const kind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

/**
 * The metadata of a model's tokenizer and chat template.
 * @param source model folder or GGUF file
 * @param rows of the embedding: the file lists as many tokens
 * @throws ScaloraError `usage` for a tokenizer that the format cannot hold
 */
export function tokenizerItems(source: string, rows: number): MetadataItem[] {
  const { blueprint, settings } = readTokenizerSource(source);
  const assembly = assemble(blueprint, settings);
  const parts = readParts(source, assembly.json);
  if (assembly.requiredRows > rows) {
    throw new ScaloraError("usage", "A GGUF file cannot hold this tokenizer", {
      where: source,
      expected: `at most ${rows} tokens, as many as the model has rows`,
      found: `${assembly.requiredRows}`,
    });
  }
  const tokens = tokenTexts(parts, rows);
  const { bos, eos, unk, pad } = assembly.special;
  const types = tokens.map((token, id) => typeOf(parts, token, id, unk?.id));
  const own = parts.isByteLevel ? byteLevelItems(parts) : scoredItems(parts, tokens, types);
  const special = { bos, eos, unknown: unk, padding: pad };
  const ids = Object.entries(special).flatMap(([role, token]) =>
    token === undefined ? [] : [count(`tokenizer.ggml.${role}_token_id`, token.id)],
  );
  return [
    text("tokenizer.ggml.model", parts.isByteLevel ? "gpt2" : "llama"),
    texts("tokenizer.ggml.tokens", tokens),
    wholes("tokenizer.ggml.token_type", types),
    ...own,
    ...ids,
    ...turnEnd(source, eos?.id),
    flag("tokenizer.ggml.add_bos_token", frameHas(parts, "before", bos?.content)),
    flag("tokenizer.ggml.add_eos_token", frameHas(parts, "after", eos?.content)),
    ...(settings.chatTemplate === undefined ? [] : [text("tokenizer.chat_template", settings.chatTemplate)]),
  ];
}

/** Every row has a token: rows that the tokenizer leaves over get names that no text forms. */
function tokenTexts({ vocabulary, added }: TokenizerParts, rows: number): string[] {
  const tokens: (string | undefined)[] = Array.from({ length: rows });
  for (const [token, id] of vocabulary) if (id < rows) tokens[id] = token;
  for (const { content, id } of added.values()) if (id < rows) tokens[id] = content;
  return tokens.map((token, id) => token ?? spare(id));
}

const spare = (id: number) => `[PAD${id}]`;

function typeOf({ added, isByteLevel }: TokenizerParts, token: string, id: number, unk: number | undefined) {
  if (!isByteLevel && id === unk) return kind.unknown;
  const known = added.get(id);
  if (known !== undefined) return known.special ? kind.control : kind.userDefined;
  if (token === spare(id)) return kind.unused;
  return !isByteLevel && /^<0x[0-9A-F]{2}>$/.test(token) ? kind.byte : kind.normal;
}

/** The token that ends a turn, where the model has one beside the end of the text. */
function turnEnd(source: string, eos: number | undefined): MetadataItem[] {
  const [other] = generationEnds(source).filter((id) => id !== eos);
  return other === undefined ? [] : [count("tokenizer.ggml.eot_token_id", other)];
}

function frameHas({ frame, where }: TokenizerParts, side: "before" | "after", token: string | undefined) {
  const found = frame[side];
  if (found.length === 0) return false;
  if (found.length === 1 && found[0] === token) return true;
  throw unsayable(where, `other tokens than bos and eos around a text: ${found.join(" ")}`);
}
