/** Units of the double array (darts-clone). */
const childOffset = (unit: number) => ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
const hasLeaf = (unit: number) => (unit & 0x100) !== 0;
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0;
const textOffset = (unit: number) => unit & 0x7fffffff;

const unitAt = (trie: DataView, index: number) => trie.getUint32(4 * index, true);

/** The double array and the replacement texts of a `precompiled_charsmap`. */
function parseCharsmap(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trieBytes = view.getUint32(0, true);
  const trie = new DataView(bytes.buffer, bytes.byteOffset + 4, trieBytes);
  return { trie, texts: bytes.subarray(4 + trieBytes) };
}

/** A valid SentencePiece character map (see `validateCharsmap`). */
export class Charsmap {
  private readonly trie: DataView;
  private readonly texts: Uint8Array;

  constructor(bytes: Uint8Array) {
    const { trie, texts } = parseCharsmap(bytes);
    this.trie = trie;
    this.texts = texts;
  }

  /** The longest rule that matches UTF-8 bytes at a position: the number of bytes and their replacement. */
  longestMatch(bytes: Uint8Array, from: number): { length: number; text: string } | undefined {
    let best: { length: number; at: number } | undefined;
    let node = childOffset(unitAt(this.trie, 0));
    let length = 0;
    for (let byte = bytes[from]; byte; byte = bytes[from + length]) {
      node = (node ^ byte) >>> 0;
      const unit = unitAt(this.trie, node);
      if (labelOf(unit) !== byte) break;
      node = (node ^ childOffset(unit)) >>> 0;
      length++;
      if (hasLeaf(unit)) best = { length, at: textOffset(unitAt(this.trie, node)) };
    }
    if (best === undefined) return undefined;
    const end = this.texts.indexOf(0, best.at);
    const text = this.texts.subarray(best.at, end < 0 ? undefined : end);
    return { length: best.length, text: Buffer.from(text).toString("utf8") };
  }
}

/**
 * The fault of a SentencePiece `precompiled_charsmap` (a double array of a trie, then the replacement texts, each ended by a
 * zero byte), or undefined for a valid one. The `tokenizers` library does not check it and aborts the process on a fault.
 */
export function validateCharsmap(bytes: Uint8Array): string | undefined {
  if (bytes.length < 4) return `${bytes.length} bytes`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trieBytes = view.getUint32(0, true);
  if (trieBytes % 4 !== 0 || trieBytes === 0 || trieBytes > bytes.length - 4) {
    return `a trie of ${trieBytes} bytes in ${bytes.length}`;
  }
  const { trie, texts } = parseCharsmap(bytes);
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(texts);
  } catch {
    return "replacements that are not UTF-8";
  }
  return isTrieInBounds(trie, texts) ? undefined : "a trie that points outside itself";
}

/** Whether every reachable unit is within the trie. */
function isTrieInBounds(trie: DataView, texts: Uint8Array): boolean {
  const length = trie.byteLength / 4;
  const start = childOffset(unitAt(trie, 0));
  const seen = new Set([start]);
  const open = [start];
  for (let base = open.pop(); base !== undefined; base = open.pop()) {
    // Labels flip the low eight bits, so all units that differ in them must be within the trie.
    if ((base | 0xff) >>> 0 >= length) return false;
    for (let label = 1; label < 256; label++) {
      const unit = unitAt(trie, base ^ label);
      if (labelOf(unit) !== label) continue;
      const next = (base ^ label ^ childOffset(unit)) >>> 0;
      if (hasLeaf(unit) && !(next < length && isTextStart(texts, textOffset(unitAt(trie, next)))))
        return false;
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  }
  return true;
}

/** Whether a position is within the texts and not within a UTF-8 sequence. */
function isTextStart(texts: Uint8Array, at: number): boolean {
  const byte = texts[at];
  return byte === undefined ? at === texts.length : (byte & 0xc0) !== 0x80;
}
