import { type Decode, IncrementalDetokenizer } from "./incremental-detokenizer.ts";
import { StopSequenceScanner } from "./stop-sequence-scanner.ts";

/** Decodes one output incrementally, up to a stop string. */
export class TextStreamer {
  private readonly decoder: IncrementalDetokenizer;
  private readonly scanner: StopSequenceScanner;

  private constructor(decoder: IncrementalDetokenizer, scanner: StopSequenceScanner) {
    this.decoder = decoder;
    this.scanner = scanner;
  }

  /**
   * @param prompt the tokens before the output
   * @param stop stop strings, none of them empty
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

  /** Whether a stop string was found. */
  get stopped(): boolean {
    return this.scanner.stopped;
  }

  /** Adds a token. @returns the text that is final now */
  async push(token: number): Promise<string> {
    return this.scanner.push(await this.decoder.push(token));
  }

  /** The remaining text, after the last token. */
  async flush(): Promise<string> {
    if (this.scanner.stopped) return "";
    return this.scanner.push(await this.decoder.flush()) + this.scanner.flush();
  }
}
