import type { GenerationSummary } from "../inference/text-generator.ts";
import { Log } from "./log.ts";

/**
 * A text while it is written: awaited, it is the whole text; `for await` gives its pieces as they come. Leaving the loop ends the
 * text.
 */
export type StreamedText = Promise<string> &
  AsyncIterable<string> & {
    /** How the text ended. */
    summary(): Promise<GenerationSummary>;
  };

/** Starts a text. @param write writes it piece by piece; the signal is aborted when nobody wants more of it */
export function streamText(
  write: (onPiece: (piece: string) => void, signal: AbortSignal) => Promise<GenerationSummary>,
): StreamedText {
  const log = new Log<string>();
  const leaving = new AbortController();
  const pieces: string[] = [];
  const summary = write((piece) => {
    pieces.push(piece);
    log.add(piece);
  }, leaving.signal);
  const text = summary.then(() => pieces.join(""));
  // Whoever waits for the text gets the error too.
  summary.then(
    () => log.end(),
    (error: unknown) => log.end({ error }),
  );
  async function* readPieces() {
    text.catch(() => {});
    let isWhole = false;
    try {
      yield* log;
      isWhole = true;
    } finally {
      if (!isWhole) leaving.abort();
    }
  }
  const summarise = () => {
    text.catch(() => {});
    return summary;
  };
  return Object.assign(text, { summary: summarise, [Symbol.asyncIterator]: readPieces });
}
