import { createHash } from "node:crypto";
import type { Example } from "./types.ts";

/**
 * SHA-256 of all examples: every token, label mask and label in order. It depends on the rows, the tokenizer, the chat template
 * and the length limit, and on nothing else (not on the files' paths).
 */
export function hashExamples(perSource: readonly (readonly Example[])[]): string {
  const hash = createHash("sha256");
  for (const examples of perSource) {
    hash.update(`${examples.length};`);
    for (const { ids, isLabel, label, tokenTypes } of examples) {
      hash.update(`${ids.length};`);
      hash.update(bytesOf(ids));
      hash.update(isLabel);
      if (label !== undefined) hash.update(`label ${label};`);
      if (tokenTypes !== undefined) hash.update(bytesOf(tokenTypes));
    }
  }
  return hash.digest("hex");
}

/** SHA-256 of a sequence's tokens. */
export function hashIds(ids: Int32Array): string {
  return createHash("sha256").update(bytesOf(ids)).digest("base64");
}

function bytesOf(ids: Int32Array): Uint8Array {
  return new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
}
