import type { CausalLM, KeyValueCache } from "../nn/index.ts";
import { Generator } from "../torch/index.ts";
import { checkGenerationOptions } from "./check-generation-options.ts";
import { generateTokens } from "./generate-tokens.ts";
import { type Decode, GraphemeBuffer } from "./incremental-detokenizer.ts";
import type { Sampling } from "./sampling.ts";
import { TextStreamer } from "./text-streamer.ts";

export interface TextOptions extends Sampling {
  readonly maxTokens: number;
  readonly seed: number;
  /** Texts that end the output when they appear; they are not given out. */
  readonly stop: readonly string[];
  readonly endTokens: ReadonlySet<number>;
  /** Ends the output before the next token. */
  readonly signal: AbortSignal;
}

/** How an output ended, and the tokens that were chosen for it. */
export interface TextEnd {
  readonly reason: "end" | "length" | "stop" | "interrupted";
  readonly tokens: readonly number[];
}

/**
 * Goes on with a sequence in text, piece by piece: a piece never ends within a character, an accented letter or a joined
 * emoji, and nothing of a stop text is given out.
 * @param cache of the model; what it holds is the beginning of `prompt`
 * @throws ScaloraError `usage` for options that cannot be, and as `generateTokens`
 */
export async function* streamText(
  model: CausalLM,
  cache: KeyValueCache,
  prompt: readonly number[],
  decode: Decode,
  options: TextOptions,
): AsyncGenerator<string, TextEnd> {
  checkGenerationOptions(options);
  using generator = new Generator(options.seed, model.lm_head.weight.device);
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
