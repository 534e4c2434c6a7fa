import type { GenerationSummary, TextGenerator } from "../inference/text-generator.ts";
import type { Context } from "./context.ts";
import { stripControl } from "./terminal/strip-control.ts";

/** Streams an output to `write`; returns the complete text and its summary. */
export async function streamOutput(
  pieces: ReturnType<TextGenerator["generate"]>,
  write: (text: string) => void,
): Promise<{ text: string; summary: GenerationSummary }> {
  let text = "";
  for (;;) {
    const next = await pieces.next();
    if (next.done) return { text, summary: next.value };
    text += next.value;
    write(next.value);
  }
}

/** Text for stdout: without control characters on a terminal, unchanged for a file or pipe. */
export function terminalSafe(context: Context, text: string): string {
  return context.stdout.isTTY ? stripControl(text) : text;
}
