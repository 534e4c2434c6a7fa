import { type Decode, IncrementalDecoder, StopScanner } from "./text-pieces.ts";

/** Turns the tokens of one output into its text, and sees when a stop text has come. */
export class TextWriter {
  private readonly decoder: IncrementalDecoder;
  private readonly scanner: StopScanner;

  private constructor(decoder: IncrementalDecoder, scanner: StopScanner) {
    this.decoder = decoder;
    this.scanner = scanner;
  }

  /**
   * @param prompt the tokens that the text goes on from
   * @param stop texts that end it, none of them empty
   */
  static async after(
    prompt: readonly number[],
    decode: Decode,
    stop: readonly string[],
  ): Promise<TextWriter> {
    return new TextWriter(await IncrementalDecoder.after(prompt, decode), new StopScanner(stop));
  }

  /** Whether a stop text has come. */
  get stopped(): boolean {
    return this.scanner.stopped;
  }

  /** The text that one more token makes certain. */
  async push(token: number): Promise<string> {
    return this.scanner.push(await this.decoder.push(token));
  }

  /** What is left when no more tokens come. */
  async end(): Promise<string> {
    if (this.scanner.stopped) return "";
    return this.scanner.push(await this.decoder.end()) + this.scanner.end();
  }
}
