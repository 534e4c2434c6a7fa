/** Units of the double array (darts-clone), as the library decodes them. */
const childOffset = (unit: number) => ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
const hasLeaf = (unit: number) => (unit & 0x100) !== 0;
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0;
const textOffset = (unit: number) => unit & 0x7fffffff;

/** The double array and the replacement texts of a `precompiled_charsmap`. */
function parseCharsmap(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trieBytes = view.getUint32(0, true);
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  return { units, texts: bytes.subarray(4 + trieBytes) };
}

/** A SentencePiece character map without faults (`charsmapFault`). */
export class Charsmap {
  private readonly units: Uint32Array;
  private readonly texts: Uint8Array;

  constructor(bytes: Uint8Array) {
    const { units, texts } = parseCharsmap(bytes);
    this.units = units;
    this.texts = texts;
  }

  /** The longest rule that UTF-8 bytes start with at a place: how many bytes it takes and what it puts there. */
  longestMatch(bytes: Uint8Array, from: number): { length: number; text: string } | undefined {
    let best: { length: number; at: number } | undefined;
    let node = childOffset(this.units[0]);
    for (let i = from; i < bytes.length && bytes[i] !== 0; i++) {
      node = (node ^ bytes[i]) >>> 0;
      const unit = this.units[node];
      if (labelOf(unit) !== bytes[i]) break;
      node = (node ^ childOffset(unit)) >>> 0;
      if (hasLeaf(unit)) best = { length: i + 1 - from, at: textOffset(this.units[node]) };
    }
    if (best === undefined) return undefined;
    const end = this.texts.indexOf(0, best.at);
    const text = this.texts.subarray(best.at, end < 0 ? undefined : end);
    return { length: best.length, text: Buffer.from(text).toString("utf8") };
  }
}

/**
 * What is wrong with a SentencePiece `precompiled_charsmap` (a double array of a trie, then the replacement texts, each
 * ended by a zero byte), or undefined. The `tokenizers` library trusts it and aborts the process where it is wrong.
 */
export function validateCharsmap(bytes: Uint8Array): string | undefined {
  if (bytes.length < 4) return `${bytes.length} bytes`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trieBytes = view.getUint32(0, true);
  if (trieBytes % 4 !== 0 || trieBytes === 0 || trieBytes > bytes.length - 4) {
    return `a trie of ${trieBytes} bytes in ${bytes.length}`;
  }
  const { units, texts } = parseCharsmap(bytes);
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(texts);
  } catch {
    return "replacements that are not UTF-8";
  }
  return isTrieInBounds(units, texts) ? undefined : "a trie that points outside itself";
}

/** Whether every place that some text can lead to is inside. */
function isTrieInBounds(units: Uint32Array, texts: Uint8Array): boolean {
  const start = childOffset(units[0]);
  const seen = new Set([start]);
  const open = [start];
  for (let base = open.pop(); base !== undefined; base = open.pop()) {
    // Labels flip the low eight bits: all of them must be inside, whatever byte comes.
    if ((base | 0xff) >>> 0 >= units.length) return false;
    for (let label = 1; label < 256; label++) {
      const unit = units[base ^ label];
      if (labelOf(unit) !== label) continue;
      const next = (base ^ label ^ childOffset(unit)) >>> 0;
      if (hasLeaf(unit) && !(next < units.length && isTextStart(texts, textOffset(units[next]))))
        return false;
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  }
  return true;
}

/** Inside the texts, and not within a UTF-8 sequence. */
function isTextStart(texts: Uint8Array, at: number): boolean {
  return at <= texts.length && (at === texts.length || (texts[at] & 0xc0) !== 0x80);
}
