import { type CausalLM, deviceOf, type KeyValueCache } from "../nn/index.ts";
import { Generator } from "../torch/index.ts";
import { checkGenerationOptions } from "./check-generation-options.ts";
import { generateTokens } from "./generate-tokens.ts";
import { GraphemeBuffer } from "./grapheme-buffer.ts";
import type { Decode } from "./incremental-detokenizer.ts";
import type { Sampling } from "./sampling.ts";
import { TextStreamer } from "./text-streamer.ts";

export interface TextOptions extends Sampling {
  readonly maxTokens: number;
  readonly seed: number;
  /** Stop strings: they end the output and are not yielded. */
  readonly stop: readonly string[];
  readonly endTokens: ReadonlySet<number>;
  /** Aborted: ends the output before the next token. */
  readonly signal: AbortSignal;
}

/** How an output ended, and its tokens. */
export interface TextEnd {
  readonly reason: "end" | "length" | "stop" | "interrupted";
  readonly tokens: readonly number[];
}

/**
 * Continues a sequence and yields its text piece by piece. A piece never ends within a grapheme (an accented letter, a joined
 * emoji), and no part of a stop string is yielded.
 * @param cache of the model; it holds the beginning of `prompt`
 * @throws ScaloraError `usage` for invalid options, and as `generateTokens`
 */
export async function* streamText(
  model: CausalLM,
  cache: KeyValueCache,
  prompt: readonly number[],
  decode: Decode,
  options: TextOptions,
): AsyncGenerator<string, TextEnd> {
  checkGenerationOptions(options);
  using generator = new Generator(options.seed, deviceOf(model));
  const { maxTokens, endTokens, signal } = options;
  const settings = { maxTokens, endTokens, sampling: options, generator };
  const writer = await TextStreamer.create(prompt, decode, options.stop);
  const gate = new GraphemeBuffer();
  const stream = generateTokens(model, cache, prompt, settings);
  const tokens: number[] = [];
  let reason: TextEnd["reason"] = "interrupted";
  while (!signal.aborted) {
    const next = await stream.next();
    if (next.done) {
      reason = next.value;
      break;
    }
    tokens.push(next.value);
    const piece = gate.push(await writer.push(next.value));
    if (piece !== "") yield piece;
    if (!writer.stopped) continue;
    reason = "stop";
    break;
  }
  const last = gate.push(await writer.flush()) + gate.flush();
  if (last !== "") yield last;
  return { reason: writer.stopped ? "stop" : reason, tokens };
}
