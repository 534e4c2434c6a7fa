import type { Encoding as LibraryEncoding } from "tokenizers";
import { elementAt } from "../util/elements.ts";
import type { CharacterNormalizer } from "./sentencepiece-normalizer.ts";
import type { Encoding } from "./tokenizer.ts";

type Span = [start: number, end: number];

/** Settings that map the `tokenizers` library's offsets to the original text. */
export interface OffsetCorrection {
  /** The normaliser that was applied before the library. */
  readonly rewriter: CharacterNormalizer | undefined;
  /** Byte-fallback tokens and their bytes. */
  readonly byteTokens: ReadonlyMap<number, number>;
}

/** An encoding whose offsets, which cost as much as a third of the encoding, are computed on first use. */
export class LazyEncoding implements Encoding {
  readonly ids: number[];
  private readonly text: string;
  private readonly encoding: LibraryEncoding;
  private readonly rules: OffsetCorrection;
  private cachedOffsets: Span[] | undefined;

  constructor(text: string, encoding: LibraryEncoding, rules: OffsetCorrection) {
    this.ids = encoding.getIds();
    this.text = text;
    this.encoding = encoding;
    this.rules = rules;
  }

  get offsets(): Span[] {
    this.cachedOffsets ??= this.computeOffsets();
    return this.cachedOffsets;
  }

  private computeOffsets(): Span[] {
    const { rewriter, byteTokens } = this.rules;
    const rewritten = rewriter?.normalize(this.text);
    const text = rewritten?.text ?? this.text;
    const offsets = codeUnitOffsets(text, this.encoding.getOffsets());
    if (byteTokens.size > 0) splitByteOffsets(text, this.ids, offsets, byteTokens);
    if (rewritten === undefined) return offsets;
    return offsets.map(([start, end]) =>
      end === 0 ? [0, 0] : [rewritten.starts[start] ?? this.text.length, elementAt(rewritten.ends, end - 1)],
    );
  }
}

/** Converts offsets from code points to UTF-16 code units. */
function codeUnitOffsets(text: string, offsets: readonly number[][]): Span[] {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text))
    return offsets.map(([start = 0, end = start]) => [start, end]);
  const starts: number[] = [];
  let position = 0;
  for (const character of text) {
    starts.push(position);
    position += character.length;
  }
  starts.push(position);
  return offsets.map(([start = 0, end = start]) => [elementAt(starts, start), elementAt(starts, end)]);
}

/** The library's Unigram gives every byte token of an unknown span the full span; here each gets its own character. */
function splitByteOffsets(
  text: string,
  ids: readonly number[],
  offsets: Span[],
  bytes: ReadonlyMap<number, number>,
): void {
  for (let first = 0; first < ids.length; ) {
    const [start, end] = elementAt(offsets, first);
    const isSame = (i: number) => {
      const [from, to] = elementAt(offsets, i);
      return bytes.has(elementAt(ids, i)) && from === start && to === end;
    };
    let last = first;
    while (last < ids.length && isSame(last)) last += 1;
    const spans = byteSpans(text.slice(start, end), start);
    if (spans.length === last - first) offsets.splice(first, spans.length, ...spans);
    first = Math.max(last, first + 1);
  }
}

/** For each UTF-8 byte of a text, the span of its character. @param at start of the text */
function byteSpans(text: string, at: number): Span[] {
  const result: Span[] = [];
  let start = at;
  for (const character of text) {
    const end = start + character.length;
    for (let i = Buffer.byteLength(character); i > 0; i--) result.push([start, end]);
    start = end;
  }
  return result;
}
