import type { SpecialTokenRole } from "../tokenizer/tokenizer-spec.ts";
import type { GgufMetadata } from "./metadata.ts";

/** What the format calls the roles; SentencePiece's have the numbers that its own files give them by default. */
const specialTokenKeys: readonly (readonly [
  role: SpecialTokenRole,
  name: string,
  fallback: number | undefined,
])[] = [
  ["bos", "bos", 1],
  ["eos", "eos", 2],
  ["unk", "unknown", 0],
  ["pad", "padding", undefined],
];

/** A role's token, with the key that names it. */
export interface GgufSpecialToken {
  readonly role: SpecialTokenRole;
  readonly key: string;
  readonly id: number;
}

/** Whether the tokenizer is of SentencePiece's scored pieces. */
export function isSentencePiece(metadata: GgufMetadata): boolean {
  return metadata.string("tokenizer.ggml.model") === "llama";
}

/** The tokens of the roles that the file, or its kind of tokenizer, gives a number. */
export function readSpecialTokens(metadata: GgufMetadata): GgufSpecialToken[] {
  const hasFallbacks = isSentencePiece(metadata);
  return specialTokenKeys.flatMap(([role, name, fallback]) => {
    const key = `tokenizer.ggml.${name}_token_id`;
    const id = metadata.count(key) ?? (hasFallbacks ? fallback : undefined);
    return id === undefined ? [] : [{ role, key, id }];
  });
}

/** `bos_token_id`, `eos_token_id` and `pad_token_id` of a config, those that there are. */
export function specialTokenIds(metadata: GgufMetadata): Record<string, number> {
  const named = readSpecialTokens(metadata).filter(({ role }) => role !== "unk");
  return Object.fromEntries(named.map(({ role, id }) => [`${role}_token_id`, id]));
}
