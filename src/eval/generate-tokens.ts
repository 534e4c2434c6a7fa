import { setImmediate } from "node:timers/promises";
import { type CausalLM, type KeyValueCache, tokenStream } from "../nn/index.js";
import { type Generator, max, narrow, noGrad, scope } from "../torch/index.js";
import { internalError, ScaloraError } from "../util/errors.js";
import { chooseToken, type Sampling } from "./sampling.js";

export interface TokenOptions {
  /** Most tokens to generate. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
  readonly generator: Generator;
  /** Tokens that end the output; they are not given out. */
  readonly endTokens: ReadonlySet<number>;
}

/** Why there are no more tokens: the model ended, or the limit, or the model's context, is reached. */
export type TokenEnd = "end" | "length";

/**
 * Goes on with a sequence token by token, yielding to the event loop before each. Every token is computed once: a
 * pass takes what the cache does not hold, and only its last row goes through the output layer.
 * @param prompt the whole sequence so far; its first `cache.length` tokens are those that the cache holds, at least the
 * last one is not
 * @throws ScaloraError `usage` for a prompt that is empty or longer than the model's context, `run` when the model's
 * scores are not numbers
 */
export async function* generateTokens(
  model: CausalLM,
  cache: KeyValueCache,
  prompt: readonly number[],
  { maxTokens, sampling, generator, endTokens }: TokenOptions,
): AsyncGenerator<number, TokenEnd> {
  checkPrompt(prompt, model);
  if (cache.length >= prompt.length) throw internalError("the cache holds the whole prompt");
  let pending = prompt.slice(cache.length);
  for (let count = 0; count < maxTokens; count++) {
    if (cache.length + pending.length > model.info.maxPositions) return "length";
    await setImmediate();
    const token = nextToken(model, cache, pending, sampling, generator);
    if (endTokens.has(token)) return "end";
    yield token;
    pending = [token];
  }
  return "length";
}

function nextToken(
  model: CausalLM,
  cache: KeyValueCache,
  pending: readonly number[],
  sampling: Sampling,
  generator: Generator,
): number {
  const { device } = model.lm_head.weight;
  return noGrad(() =>
    scope(() => {
      const hidden = model.hiddenStates(tokenStream(pending, undefined, { cache, device }));
      const logits = model.lm_head.forward(narrow(hidden, 0, pending.length - 1, 1));
      checkScore(max(logits).item());
      return chooseToken(logits, sampling, generator).item();
    }),
  );
}

function checkPrompt(prompt: readonly number[], { info: { maxPositions } }: CausalLM): void {
  if (prompt.length === 0) {
    throw new ScaloraError("usage", "There is nothing to go on from: the prompt has no tokens", {
      fix: "give a prompt of at least one character",
    });
  }
  if (prompt.length <= maxPositions) return;
  throw new ScaloraError("usage", "The prompt is longer than the model's context", {
    expected: `at most ${maxPositions} tokens`,
    found: `${prompt.length} tokens`,
    fix: "shorten the prompt, or start the conversation over",
  });
}

/** Of a diverged model the largest score is NaN or infinite. */
function checkScore(largest: number): void {
  if (Number.isFinite(largest)) return;
  throw new ScaloraError("run", "The model's scores are not finite numbers", {
    found: String(largest),
    fix: "use a checkpoint from before training diverged, or a wider dtype",
  });
}
