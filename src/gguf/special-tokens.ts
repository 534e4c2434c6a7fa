import type { SpecialTokenRole } from "../tokenizer/tokenizer-spec.ts";
import type { GgufMetadata } from "./metadata.ts";

/** GGUF keys of the special tokens, with SentencePiece's default ids. */
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

/** A special token, with the key that specifies it. */
export interface GgufSpecialToken {
  readonly role: SpecialTokenRole;
  readonly key: string;
  readonly id: number;
}

/** Whether the tokenizer is a SentencePiece model. */
export function isSentencePiece(metadata: GgufMetadata): boolean {
  return metadata.string("tokenizer.ggml.model") === "llama";
}

/** The special tokens that the file specifies, or that its kind of tokenizer has by default. */
export function readSpecialTokens(metadata: GgufMetadata): GgufSpecialToken[] {
  const hasFallbacks = isSentencePiece(metadata);
  return specialTokenKeys.flatMap(([role, name, fallback]) => {
    const key = `tokenizer.ggml.${name}_token_id`;
    const id = metadata.count(key) ?? (hasFallbacks ? fallback : undefined);
    return id === undefined ? [] : [{ role, key, id }];
  });
}

/** `bos_token_id`, `eos_token_id` and `pad_token_id` of a config, where the file has them. */
export function specialTokenIds(metadata: GgufMetadata): Record<string, number> {
  const named = readSpecialTokens(metadata).filter(({ role }) => role !== "unk");
  return Object.fromEntries(named.map(({ role, id }) => [`${role}_token_id`, id]));
}
