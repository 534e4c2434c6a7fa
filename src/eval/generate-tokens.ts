import { setImmediate } from "node:timers/promises";
import type { CausalLM, KeyValueCache } from "../nn/index.ts";
import type { Generator } from "../torch/index.ts";
import { internalError, ScaloraError } from "../util/errors.ts";
import { decodeStep, SampledSequence } from "./decode-step.ts";
import type { Sampling } from "./sampling.ts";

/** Options of `generateTokens`. */
export interface TokenOptions {
  /** Maximum tokens to generate. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
  readonly generator: Generator;
  /** Tokens that end the output; they are not yielded. */
  readonly endTokens: ReadonlySet<number>;
}

/** Why generation ended: by an end token, or by the limit or the model's context length. */
export type TokenEnd = "end" | "length";

/**
 * Continues a sequence token by token, yielding to the event loop before each. Each token is computed once: a pass takes the
 * tokens that are not in the cache, and only its last row goes through the output layer.
 * @param prompt the full sequence; its first `cache.length` tokens, which are not all of it, are in the cache
 * @throws ScaloraError `usage` for a prompt that is empty or longer than the model's context, `run` when logits are not
 * finite
 */
export async function* generateTokens(
  model: CausalLM,
  cache: KeyValueCache,
  prompt: readonly number[],
  { maxTokens, sampling, generator, endTokens }: TokenOptions,
): AsyncGenerator<number, TokenEnd> {
  checkPrompt(prompt, model);
  if (cache.length >= prompt.length) throw internalError("the cache holds the whole prompt");
  const track = new SampledSequence("the output", cache, prompt, { sampling, generator });
  for (let count = 0; count < maxTokens; count++) {
    if (prompt.length + count > model.info.maxPositions) return "length";
    await setImmediate();
    decodeStep(model, [track]);
    if (endTokens.has(track.lastToken)) return "end";
    yield track.lastToken;
  }
  return "length";
}

/** @throws ScaloraError `usage` for a prompt that is empty or longer than the model's context */
export function checkPrompt(
  prompt: readonly number[],
  { info: { maxPositions } }: CausalLM,
  where?: string,
): void {
  if (prompt.length === 0) {
    throw new ScaloraError("usage", "The prompt is empty: it has no tokens", {
      where,
      expected: "a text, since this model's tokenizer puts no token of its own before one",
      fix: "give a prompt of at least one character",
    });
  }
  if (prompt.length <= maxPositions) return;
  throw new ScaloraError("usage", "The prompt is longer than the model's context", {
    where,
    expected: `at most ${maxPositions} tokens`,
    found: `${prompt.length} tokens`,
    fix: "shorten the prompt, or start the conversation over",
  });
}
