import type { GenerationSummary, TextGenerator } from "../../inference/text-generator.ts";
import type { Context } from "../terminal/context.ts";
import { stripControl } from "../terminal/strip-control.ts";

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

/** Writes a model's text to stdout: without control characters, which a terminal would obey, unless `raw`. */
export function writeModelText(context: Context, text: string, raw = false): void {
  context.stdout.write(raw ? text : stripControl(text));
}
