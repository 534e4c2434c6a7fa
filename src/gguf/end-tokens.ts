import { isWithinLimits, limitsText } from "../util/number-limits.ts";
import { int32ArrayItem, type MetadataItem, uint32Item } from "./encode-metadata.ts";
import type { GgufMetadata } from "./metadata.ts";

/** Keys of the tokens besides EOS that end an output: of a turn, of a message; all of them, which Ollama's own engine reads. */
const keys = {
  eot: "tokenizer.ggml.eot_token_id",
  eom: "tokenizer.ggml.eom_token_id",
  all: "tokenizer.ggml.eos_token_ids",
} as const;

/** Tokens at which llama.cpp ends an output wherever a vocabulary has them (its `llama-vocab.cpp`), so that they need no key. */
const knownTexts: ReadonlySet<string> = new Set([
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "</s>",
  "<|eom_id|>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "[EOS]",
  "<|end_of_text|>",
  "<end_of_utterance>",
  "<eos>",
  "<｜end▁of▁sentence｜>",
]);

/** A model's tokens that end an output. */
interface EndTokens {
  /** The tokenizer's EOS token, which has a key of its own. */
  readonly eos: number | undefined;
  /** Those of the generation config. */
  readonly listed: readonly number[];
  /** The token with which the chat template ends an answer. */
  readonly endOfTurn: number | undefined;
}

/**
 * The keys of the end tokens besides EOS. llama.cpp reads two, `eot` and `eom`: the template's token comes first, then those
 * that it would not know by their text.
 * @param tokens texts by token id
 */
export function endTokenItems(
  { eos, listed, endOfTurn }: EndTokens,
  tokens: readonly string[],
): MetadataItem[] {
  const all = [...new Set([...listed, ...(endOfTurn === undefined ? [] : [endOfTurn])])];
  const isKnown = (id: number) => knownTexts.has(tokens[id] ?? "");
  const others = all.filter((id) => id !== eos);
  // Where both keys are needed for others, the template's token can do without.
  const isSpared = isKnown(endOfTurn ?? -1) && others.filter((id) => !isKnown(id)).length > 1;
  const urgency = (id: number) => (id === endOfTurn && !isSpared ? 0 : isKnown(id) ? 2 : 1);
  const [eot, eom] = others.sort((a, b) => urgency(a) - urgency(b));
  const isEos = all.length === 0 || (all.length === 1 && all[0] === eos);
  return [
    ...(eot === undefined ? [] : [uint32Item(keys.eot, eot)]),
    ...(eom === undefined ? [] : [uint32Item(keys.eom, eom)]),
    ...(isEos ? [] : [int32ArrayItem(keys.all, all)]),
  ];
}

/**
 * The tokens that end an output: the list of all of them, or those that have a key.
 * @param eos the file's EOS token
 * @throws ScaloraError `format` for values that are not token ids
 */
export function readEndTokens(metadata: GgufMetadata, eos: number | undefined): number[] {
  const listed = metadata.numbers(keys.all) ?? [];
  const limits = { whole: true, least: 0 };
  const wrong = listed.find((id) => !isWithinLimits(id, limits));
  if (wrong !== undefined) throw metadata.invalidValueError(keys.all, limitsText(limits), wrong);
  const named = [eos, metadata.count(keys.eot), metadata.count(keys.eom)].filter((id) => id !== undefined);
  return [...new Set(listed.length > 0 ? listed : named)];
}
