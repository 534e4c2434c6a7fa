import { internalError } from "../util/errors.ts";

/** `Tokenizer.decode`. */
export type Decode = (ids: readonly number[]) => Promise<string>;

/** Decoded in place of an incomplete character. */
const replacementCharacter = "\ufffd";
/** A character has at most four bytes, so at most as many tokens. */
const maxTokensPerCharacter = 4;

/**
 * Decodes tokens to text incrementally. Each step decodes the new tokens together with those of the last text, because the
 * text of a token depends on the tokens before it (a leading space is dropped, bytes are joined to characters).
 */
export class IncrementalDetokenizer {
  private readonly decode: Decode;
  /** The tokens of the last emitted text, and those since. */
  private window: number[];
  /** Number of emitted tokens in the window, and their text. */
  private emitted: { count: number; text: string };

  private constructor(decode: Decode, window: number[], text: string) {
    this.decode = decode;
    this.window = window;
    this.emitted = { count: window.length, text };
  }

  /** @param before the tokens before the text, such as the prompt */
  static async create(before: readonly number[], decode: Decode): Promise<IncrementalDetokenizer> {
    for (let count = maxTokensPerCharacter; ; count++) {
      const window = before.slice(-count);
      const text = await decode(window);
      const isWhole = !text.startsWith(replacementCharacter) || count >= 2 * maxTokensPerCharacter;
      if (isWhole || window.length === before.length) return new IncrementalDetokenizer(decode, window, text);
    }
  }

  /** Adds a token. @returns the new text; empty while it may still change */
  async push(token: number): Promise<string> {
    this.window.push(token);
    const text = await this.decode(this.window);
    if (text.length <= this.emitted.text.length || mayChange(text)) return "";
    const piece = text.slice(commonLength(this.emitted.text, text));
    this.window = this.window.slice(this.emitted.count);
    this.emitted = { count: this.window.length, text: await this.decode(this.window) };
    return piece;
  }

  /** The remaining text, even of an incomplete character. */
  async flush(): Promise<string> {
    const text = await this.decode(this.window);
    return text.slice(commonLength(this.emitted.text, text));
  }
}

/** Whether later tokens may change the text: some tokenizers drop a space before punctuation. */
function mayChange(text: string): boolean {
  return text.endsWith(replacementCharacter) || text.endsWith(" ");
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** Ends a text at the first stop string, holding back text that may be the beginning of one. */
export class StopSequenceScanner {
  private readonly stops: readonly string[];
  private held = "";
  private found = false;

  /** @param stops none of them empty */
  constructor(stops: readonly string[]) {
    if (stops.includes("")) throw internalError("an empty stop string");
    this.stops = stops;
  }

  /** Whether a stop string was found, which ends the text. */
  get stopped(): boolean {
    return this.found;
  }

  /** Adds text. @returns the text that cannot belong to a stop string */
  push(piece: string): string {
    const text = this.held + piece;
    const places = this.stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
    this.found = places.length > 0;
    const certain = this.found ? Math.min(...places) : text.length - this.partialMatchLength(text);
    this.held = this.found ? "" : text.slice(certain);
    return text.slice(0, certain);
  }

  flush(): string {
    return this.held;
  }

  /** Length of the longest end of the text that is a beginning of a stop string. */
  private partialMatchLength(text: string): number {
    const longest = Math.max(0, ...this.stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, text.length); length > 0; length--) {
      const end = text.slice(-length);
      if (this.stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * Holds back the last grapheme (a letter with its accents, a flag, a joined emoji) until the next one begins: later characters
 * may still belong to it.
 */
export class GraphemeBuffer {
  private held = "";

  push(piece: string): string {
    if (piece === "") return "";
    const text = this.held + piece;
    const last = graphemes.segment(text).containing(text.length - 1);
    const start = endsGrapheme(text) ? text.length : (last?.index ?? 0);
    this.held = text.slice(start);
    return text.slice(0, start);
  }

  flush(): string {
    return this.held;
  }
}

/** Whether a text ends with a line feed, which no grapheme extends. */
function endsGrapheme(text: string): boolean {
  return text.endsWith("\n");
}
