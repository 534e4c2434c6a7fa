import { internalError } from "../util/errors.ts";

/** What `Tokenizer.decode` does. */
export type Decode = (ids: readonly number[]) => Promise<string>;

/** Stands where the bytes of a character have not all come. */
const replacementCharacter = "\ufffd";
/** A character has at most four bytes, so at most as many tokens. */
const maxTokensPerCharacter = 4;

/**
 * Turns tokens into text as they come: each step decodes the tokens since the last text, behind those of the text before
 * it, because decoders treat joints by what comes before (a leading space dropped, bytes put together).
 */
export class IncrementalDetokenizer {
  private readonly decode: Decode;
  /** The tokens of the last text given out, and those since. */
  private window: number[];
  /** How many of the window's tokens have been given out, and their text. */
  private emitted: { count: number; text: string };

  private constructor(decode: Decode, window: number[], text: string) {
    this.decode = decode;
    this.window = window;
    this.emitted = { count: window.length, text };
  }

  /** @param before the tokens that the text goes on from, such as the prompt */
  static async create(before: readonly number[], decode: Decode): Promise<IncrementalDetokenizer> {
    for (let count = maxTokensPerCharacter; ; count++) {
      const window = before.slice(-count);
      const text = await decode(window);
      const isWhole = !text.startsWith(replacementCharacter) || count >= 2 * maxTokensPerCharacter;
      if (isWhole || window.length === before.length) return new IncrementalDetokenizer(decode, window, text);
    }
  }

  /** The text that one more token adds: none while it may still change. */
  async push(token: number): Promise<string> {
    this.window.push(token);
    const text = await this.decode(this.window);
    if (text.length <= this.emitted.text.length || mayChange(text)) return "";
    const piece = text.slice(commonLength(this.emitted.text, text));
    this.window = this.window.slice(this.emitted.count);
    this.emitted = { count: this.window.length, text: await this.decode(this.window) };
    return piece;
  }

  /** What is left, complete or not. */
  async flush(): Promise<string> {
    const text = await this.decode(this.window);
    return text.slice(commonLength(this.emitted.text, text));
  }
}

/** Some tokenizers drop a space when punctuation follows. */
function mayChange(text: string): boolean {
  return text.endsWith(replacementCharacter) || text.endsWith(" ");
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** Cuts a text at the first of some strings, holding back what may be the beginning of one. */
export class StopSequenceScanner {
  private readonly stops: readonly string[];
  private held = "";
  private found = false;

  /** @param stops none of them empty */
  constructor(stops: readonly string[]) {
    if (stops.includes("")) throw internalError("an empty stop string");
    this.stops = stops;
  }

  /** Whether a stop string has come; the text is over then. */
  get stopped(): boolean {
    return this.found;
  }

  /** The text that is certain not to belong to a stop string. */
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

  /** How long an end of the text is that a stop string may begin with. */
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
 * Holds back the last character as people see it (a letter with its accents, a flag, a joined emoji) until the next one
 * begins: what follows may still belong to it.
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

/** Nothing joins a line feed. */
function endsGrapheme(text: string): boolean {
  return text.endsWith("\n");
}
