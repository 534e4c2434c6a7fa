import { type Decode, IncrementalDetokenizer, StopSequenceScanner } from "./incremental-detokenizer.ts";

/** Turns the tokens of one output into its text, and sees when a stop text has come. */
export class TextStreamer {
  private readonly decoder: IncrementalDetokenizer;
  private readonly scanner: StopSequenceScanner;

  private constructor(decoder: IncrementalDetokenizer, scanner: StopSequenceScanner) {
    this.decoder = decoder;
    this.scanner = scanner;
  }

  /**
   * @param prompt the tokens that the text goes on from
   * @param stop texts that end it, none of them empty
   */
  static async create(
    prompt: readonly number[],
    decode: Decode,
    stop: readonly string[],
  ): Promise<TextStreamer> {
    return new TextStreamer(
      await IncrementalDetokenizer.create(prompt, decode),
      new StopSequenceScanner(stop),
    );
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
  async flush(): Promise<string> {
    if (this.scanner.stopped) return "";
    return this.scanner.push(await this.decoder.flush()) + this.scanner.flush();
  }
}
