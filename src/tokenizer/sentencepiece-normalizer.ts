import { elementAt } from "../util/elements.ts";
import { Charsmap } from "./charsmap.ts";

/** The character normalisation of sentencepiece, its first step. */
export interface NormalizationRules {
  /** A valid `precompiled_charsmap`. */
  readonly charsmap: Uint8Array;
  readonly lowerCase: boolean;
  /** Pieces that are not normalised. */
  readonly protectedPieces: readonly string[];
}

/** A normalised text; for each of its code units the `[start, end)` in the original text. */
export interface NormalizedText {
  readonly text: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Inserted into replacements, so that they are not matched as special tokens; the normaliser removes it. */
export const nonSpecialMarker = "\ufdd0\ufdd1";

/**
 * Replaces characters as sentencepiece does, by the longest matching rule. (`Precompiled` of the `tokenizers` library takes
 * the shortest rule for a full grapheme, and so loses combining marks.) Special tokens, which are matched in the text as
 * given, are not changed.
 */
export class CharacterNormalizer {
  private readonly map: Charsmap;
  private readonly lowerCase: boolean;
  private readonly kept: RegExp | undefined;
  private readonly special: RegExp | undefined;

  constructor({ charsmap, lowerCase, protectedPieces }: NormalizationRules, special: readonly string[]) {
    this.map = new Charsmap(charsmap);
    this.lowerCase = lowerCase;
    this.kept = alternation(protectedPieces, "y");
    this.special = alternation(special, "g");
  }

  normalize(text: string): NormalizedText {
    const source = this.lowerCase ? lowerCaseText(text) : identityText(text);
    const out = new NormalizedTextBuilder();
    let at = 0;
    for (const { 0: token, index } of matches(this.special, source.text)) {
      this.normalizeSpan(source, at, index, out);
      at = index + token.length;
      out.copy(source, index, at);
    }
    this.normalizeSpan(source, at, source.text.length, out);
    return out;
  }

  /** Applies the rules to `[from, to)` of a text; special tokens in the result are marked, so that they are not matched. */
  private normalizeSpan(source: NormalizedText, from: number, to: number, out: NormalizedTextBuilder): void {
    const made = this.applyCharsmap(source, from, to);
    let at = 0;
    for (const { 0: token, index } of matches(this.special, made.text)) {
      const inside = index + codePointLength(token, 0);
      out.copy(made, at, inside);
      const start = elementAt(made.starts, inside - 1);
      out.add(nonSpecialMarker, start, start);
      at = inside;
    }
    out.copy(made, at, made.text.length);
  }

  private applyCharsmap(source: NormalizedText, from: number, to: number): NormalizedTextBuilder {
    const bytes = Buffer.from(source.text.slice(from, to));
    const out = new NormalizedTextBuilder();
    let byte = 0;
    for (let at = from; at < to; ) {
      const kept = this.protectedLengthAt(source.text, at);
      const rule = kept === 0 ? this.map.longestMatch(bytes, byte) : undefined;
      let length = kept || codePointLength(source.text, at);
      if (rule !== undefined) length = bytes.toString("utf8", byte, byte + rule.length).length;
      const next = at + length;
      if (rule === undefined) out.copy(source, at, next);
      else out.add(rule.text, elementAt(source.starts, at), elementAt(source.ends, next - 1));
      byte += rule?.length ?? Buffer.byteLength(source.text.slice(at, next));
      at = next;
    }
    return out;
  }

  /** Length of the protected piece at a position, 0 when there is none. */
  private protectedLengthAt(text: string, at: number): number {
    if (this.kept === undefined) return 0;
    this.kept.lastIndex = at;
    return this.kept.exec(text)?.[0].length ?? 0;
  }
}

class NormalizedTextBuilder implements NormalizedText {
  text = "";
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  /** Appends text that comes from `[start, end)`. */
  add(text: string, start: number, end: number): void {
    this.text += text;
    for (let i = 0; i < text.length; i++) {
      this.starts.push(start);
      this.ends.push(end);
    }
  }

  copy(source: NormalizedText, from: number, to: number): void {
    this.text += source.text.slice(from, to);
    for (const start of source.starts.slice(from, to)) this.starts.push(start);
    for (const end of source.ends.slice(from, to)) this.ends.push(end);
  }
}

/** The unchanged text; lone surrogates become U+FFFD, as in the `tokenizers` library. */
function identityText(text: string): NormalizedText {
  const sound = Buffer.from(text).toString("utf8");
  const places = { length: sound.length };
  return { text: sound, starts: Array.from(places, (_, i) => i), ends: Array.from(places, (_, i) => i + 1) };
}

/** The text in lower case, character by character, as sentencepiece's callers do. */
function lowerCaseText(text: string): NormalizedText {
  const out = new NormalizedTextBuilder();
  let at = 0;
  for (const character of Buffer.from(text).toString("utf8")) {
    out.add(character.toLowerCase(), at, at + character.length);
    at += character.length;
  }
  return out;
}

function codePointLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function matches(pattern: RegExp | undefined, text: string): Iterable<RegExpExecArray> {
  return pattern === undefined ? [] : text.matchAll(pattern);
}

/** A pattern that matches the longest of the texts at a position. */
function alternation(texts: readonly string[], flags: string): RegExp | undefined {
  if (texts.length === 0) return undefined;
  const longestFirst = texts.toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(escapeRegExp).join("|"), flags);
}

/** Escapes a text for JavaScript's and Oniguruma's patterns. */
export function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/#&~-]/g, "\\$&");
}
