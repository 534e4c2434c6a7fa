import type { Command } from "commander";
import type { GenerationSummary, SamplingSettings, TextGenerator } from "../inference/types.ts";
import type { Context } from "./context.ts";
import { collect, numberParser } from "./options.ts";
import { stripControl } from "./terminal/text.ts";

/** Options of the verbs that generate text, as commander gives them. */
export interface SamplingOptions {
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  stop: string[];
}

/** Adds the options of `SamplingOptions`. */
export function addSamplingOptions(command: Command): Command {
  return command
    .option("--max-tokens <n>", "longest output in tokens", numberParser({ least: 1, whole: true }), 256)
    .option(
      "--temperature <t>",
      "0 takes the likeliest token, higher values vary more",
      numberParser({ least: 0 }),
      0,
    )
    .option(
      "--top-k <k>",
      "sample among the k likeliest tokens only",
      numberParser({ least: 1, whole: true }),
    )
    .option(
      "--top-p <p>",
      "sample among the likeliest tokens that together have this share",
      numberParser({ above: 0, most: 1 }),
    )
    .option("--seed <n>", "seed of the sampling", numberParser({ least: 0, whole: true }), 0)
    .option("--stop <text>", "end the output at this text; repeatable", collect, []);
}

/** The settings among a verb's options. */
export function samplingSettings(options: SamplingOptions): SamplingSettings {
  const { maxTokens, temperature, topK, topP, seed, stop } = options;
  return { maxTokens, temperature, topK, topP, seed, stop };
}

/** Streams an output to `write`, harmless for a terminal; returns the whole text and its summary. */
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

/** Text for stdout: as it is for a file or pipe, without control characters for a terminal. */
export function terminalSafe(context: Context, text: string): string {
  return context.stdout.isTTY ? stripControl(text) : text;
}
