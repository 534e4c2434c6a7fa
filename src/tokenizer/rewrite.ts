import { Charsmap } from "./charsmap.ts";

/** What sentencepiece does to the characters of a text before everything else. */
export interface CharacterRules {
  /** A `precompiled_charsmap` without faults. */
  readonly charsmap: Uint8Array;
  readonly lowerCase: boolean;
  /** Pieces that stay as they are. */
  readonly kept: readonly string[];
}

/** A text as the library is given it; for each of its code units the `[start, end)` that it came from. */
export interface Rewritten {
  readonly text: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Put into what a rule made, so that it is not taken for a special token; the library takes it out again. */
export const notSpecial = "\ufdd0\ufdd1";

/**
 * Replaces characters as sentencepiece does: at every place the longest rule. (The library's own `Precompiled` takes
 * the shortest rule for a whole grapheme, so that combining marks behind it are lost.) Special tokens, which are found
 * in the text as given, stay as they are.
 */
export class Rewriter {
  private readonly map: Charsmap;
  private readonly lowerCase: boolean;
  private readonly kept: RegExp | undefined;
  private readonly special: RegExp | undefined;

  constructor({ charsmap, lowerCase, kept }: CharacterRules, special: readonly string[]) {
    this.map = new Charsmap(charsmap);
    this.lowerCase = lowerCase;
    this.kept = anyOf(kept, "y");
    this.special = anyOf(special, "g");
  }

  rewrite(text: string): Rewritten {
    const source = this.lowerCase ? lowerCased(text) : asGiven(text);
    const out = new Output();
    let at = 0;
    for (const { 0: token, index } of matches(this.special, source.text)) {
      this.replace(source, at, index, out);
      at = index + token.length;
      out.copy(source, index, at);
    }
    this.replace(source, at, source.text.length, out);
    return out;
  }

  /** Applies the rules to `[from, to)` of a text and hides special tokens that come of it. */
  private replace(source: Rewritten, from: number, to: number, out: Output): void {
    const made = this.apply(source, from, to);
    let at = 0;
    for (const { 0: token, index } of matches(this.special, made.text)) {
      const inside = index + lengthAt(token, 0);
      out.copy(made, at, inside);
      out.add(notSpecial, made.starts[inside - 1], made.starts[inside - 1]);
      at = inside;
    }
    out.copy(made, at, made.text.length);
  }

  private apply(source: Rewritten, from: number, to: number): Output {
    const bytes = Buffer.from(source.text.slice(from, to));
    const out = new Output();
    let byte = 0;
    for (let at = from; at < to; ) {
      const kept = this.keptAt(source.text, at);
      const rule = kept === 0 ? this.map.longestAt(bytes, byte) : undefined;
      let length = kept || lengthAt(source.text, at);
      if (rule !== undefined) length = bytes.toString("utf8", byte, byte + rule.length).length;
      const next = at + length;
      if (rule === undefined) out.copy(source, at, next);
      else out.add(rule.text, source.starts[at], source.ends[next - 1]);
      byte += rule?.length ?? Buffer.byteLength(source.text.slice(at, next));
      at = next;
    }
    return out;
  }

  /** Length of the piece at a place that stays as it is, 0 when there is none. */
  private keptAt(text: string, at: number): number {
    if (this.kept === undefined) return 0;
    this.kept.lastIndex = at;
    return this.kept.exec(text)?.[0].length ?? 0;
  }
}

class Output implements Rewritten {
  text = "";
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  /** Text that came from `[start, end)`. */
  add(text: string, start: number, end: number): void {
    this.text += text;
    for (let i = 0; i < text.length; i++) {
      this.starts.push(start);
      this.ends.push(end);
    }
  }

  copy(source: Rewritten, from: number, to: number): void {
    for (let i = from; i < to; i++) this.add(source.text[i], source.starts[i], source.ends[i]);
  }
}

/** Lone surrogates become U+FFFD, as the library reads them. */
function asGiven(text: string): Rewritten {
  const out = new Output();
  const sound = Buffer.from(text).toString("utf8");
  for (let i = 0; i < sound.length; i++) out.add(sound[i], i, i + 1);
  return out;
}

/** By the character, as sentencepiece's callers do. */
function lowerCased(text: string): Rewritten {
  const out = new Output();
  let at = 0;
  for (const character of Buffer.from(text).toString("utf8")) {
    out.add(character.toLowerCase(), at, at + character.length);
    at += character.length;
  }
  return out;
}

function lengthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function matches(pattern: RegExp | undefined, text: string): Iterable<RegExpExecArray> {
  return pattern === undefined ? [] : text.matchAll(pattern);
}

/** A pattern that finds the longest of the texts at a place. */
function anyOf(texts: readonly string[], flags: string): RegExp | undefined {
  if (texts.length === 0) return undefined;
  const longestFirst = texts.toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(escapePattern).join("|"), flags);
}

/** Also for the library's patterns. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/#&~-]/g, "\\$&");
}
