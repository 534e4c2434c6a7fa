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
