import type { Role } from "../tokenizer/blueprint.ts";
import type { Metadata } from "./metadata.ts";

/** What the format calls the roles; SentencePiece's have the numbers that its own files give them by default. */
const roleNames: readonly (readonly [role: Role, name: string, fallback: number | undefined])[] = [
  ["bos", "bos", 1],
  ["eos", "eos", 2],
  ["unk", "unknown", 0],
  ["pad", "padding", undefined],
];

/** A role's token, with the key that names it. */
export interface RoleToken {
  readonly role: Role;
  readonly key: string;
  readonly id: number;
}

/** Whether the tokenizer is of SentencePiece's scored pieces. */
export function isScored(metadata: Metadata): boolean {
  return metadata.text("tokenizer.ggml.model") === "llama";
}

/** The tokens of the roles that the file, or its kind of tokenizer, gives a number. */
export function roleTokens(metadata: Metadata): RoleToken[] {
  const hasFallbacks = isScored(metadata);
  return roleNames.flatMap(([role, name, fallback]) => {
    const key = `tokenizer.ggml.${name}_token_id`;
    const id = metadata.count(key) ?? (hasFallbacks ? fallback : undefined);
    return id === undefined ? [] : [{ role, key, id }];
  });
}

/** `bos_token_id`, `eos_token_id` and `pad_token_id` of a config, those that there are. */
export function specialTokens(metadata: Metadata): Record<string, number> {
  const named = roleTokens(metadata).filter(({ role }) => role !== "unk");
  return Object.fromEntries(named.map(({ role, id }) => [`${role}_token_id`, id]));
}
