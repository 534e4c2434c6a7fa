import { eosTokenIds } from "../assemble/eos-token-ids.ts";
import type { RunConfig } from "../config/index.ts";
import type { Example } from "../data/index.ts";
import { encodePrompt, streamText } from "../eval/index.ts";
import type { CausalLM } from "../nn/index.ts";
import type { SampleEvent } from "../run/events.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** Maximum tokens of a sample. */
const sampleTokens = 32;

/** A prompt as text and as token ids. */
export interface SamplePrompt {
  readonly text: string;
  readonly ids: readonly number[];
}

/**
 * The prompts of a run's samples: those in its recipe, or those of its first held-out rows, up to the first label. Rows of
 * plain text have no prompt.
 */
export async function samplePrompts(
  samples: RunConfig["samples"],
  rows: readonly Example[],
  tokenizer: Tokenizer,
): Promise<SamplePrompt[]> {
  if (typeof samples !== "number")
    return Promise.all(samples.map(async (text) => ({ text, ids: await encodePrompt(tokenizer, text) })));
  const prompts = rows.map(({ ids, isLabel }) => [...ids.slice(0, isLabel.indexOf(1))]);
  const chosen = prompts.filter(({ length }) => length > 1).slice(0, samples);
  return Promise.all(chosen.map(async (ids) => ({ text: await tokenizer.decode(ids), ids })));
}

/** Continues each prompt greedily with the present weights; an output interrupted by the signal is left out. */
export async function takeSamples(
  { model, tokenizer, folder }: { model: CausalLM; tokenizer: Tokenizer; folder: string },
  prompts: readonly SamplePrompt[],
  step: number,
  signal: AbortSignal,
): Promise<SampleEvent[]> {
  const options = { maxTokens: sampleTokens, temperature: 0, seed: 0, stop: [], signal };
  const settings = { ...options, endTokens: eosTokenIds(folder, tokenizer) };
  const events: SampleEvent[] = [];
  for (const { text, ids } of prompts) {
    using cache = model.newCache();
    let output = "";
    const decode = (tokens: readonly number[]) => tokenizer.decode(tokens);
    for await (const piece of streamText(model, cache, ids, decode, settings)) output += piece;
    if (signal.aborted) break;
    events.push({ type: "sample", step, prompt: text, output });
  }
  return events;
}
