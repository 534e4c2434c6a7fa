/** Units of the double array (darts-clone), as the library decodes them. */
const offsetOf = (unit: number) => ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
const hasLeaf = (unit: number) => (unit & 0x100) !== 0;
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0;
const textOf = (unit: number) => unit & 0x7fffffff;

/**
 * What is wrong with a SentencePiece `precompiled_charsmap` (a double array of a trie, then the replacement texts, each
 * ended by a zero byte), or undefined. The `tokenizers` library trusts it and aborts the process where it is wrong.
 */
export function charsmapFault(bytes: Uint8Array): string | undefined {
  if (bytes.length < 4) return `${bytes.length} bytes`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trieBytes = view.getUint32(0, true);
  if (trieBytes % 4 !== 0 || trieBytes === 0 || trieBytes > bytes.length - 4) {
    return `a trie of ${trieBytes} bytes in ${bytes.length}`;
  }
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const texts = bytes.subarray(4 + trieBytes);
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(texts);
  } catch {
    return "replacements that are not UTF-8";
  }
  return walk(units, texts) ? undefined : "a trie that points outside itself";
}

/** Whether every place that some text can lead to is inside. */
function walk(units: Uint32Array, texts: Uint8Array): boolean {
  const start = offsetOf(units[0]);
  const seen = new Set([start]);
  const open = [start];
  for (let base = open.pop(); base !== undefined; base = open.pop()) {
    // Labels flip the low eight bits: all of them must be inside, whatever byte comes.
    if ((base | 0xff) >>> 0 >= units.length) return false;
    for (let label = 1; label < 256; label++) {
      const unit = units[base ^ label];
      if (labelOf(unit) !== label) continue;
      const next = (base ^ label ^ offsetOf(unit)) >>> 0;
      if (hasLeaf(unit) && !(next < units.length && startsText(texts, textOf(units[next])))) return false;
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  }
  return true;
}

/** Inside the texts, and not within a UTF-8 sequence. */
function startsText(texts: Uint8Array, at: number): boolean {
  return at <= texts.length && (at === texts.length || (texts[at] & 0xc0) !== 0x80);
}
