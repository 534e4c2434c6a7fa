import type { Command } from "commander";
import type { SamplingSettings } from "../inference/text-generator.ts";
import { collect, numberParser } from "./shared-options.ts";

/** Options of the commands that generate text, as parsed by commander. */
export interface SamplingOptions {
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  stop: string[];
  raw?: boolean;
}

/** Adds the options of `SamplingOptions`. */
export function addSamplingOptions(command: Command): Command {
  return command
    .option("--max-tokens <n>", "maximum number of new tokens", numberParser({ least: 1, whole: true }), 256)
    .option("--temperature <t>", "0 is greedy, higher values are more random", numberParser({ least: 0 }), 0)
    .option(
      "--top-k <k>",
      "sample from the k most likely tokens only",
      numberParser({ least: 1, whole: true }),
    )
    .option(
      "--top-p <p>",
      "sample from the most likely tokens with this total probability",
      numberParser({ above: 0, most: 1 }),
    )
    .option("--seed <n>", "seed for sampling", numberParser({ least: 0, whole: true }), 0)
    .option("--stop <text>", "end the output at this text; repeatable", collect, [])
    .option("--raw", "write the model's control characters and escape sequences too");
}

/** The sampling settings in a command's options. */
export function samplingSettings(options: SamplingOptions): SamplingSettings {
  const { maxTokens, temperature, topK, topP, seed, stop } = options;
  return { maxTokens, temperature, topK, topP, seed, stop };
}
