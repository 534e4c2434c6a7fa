import { eosTokenIds } from "../assemble/eos-token-ids.ts";
import type { RunConfig } from "../config/index.ts";
import type { Example } from "../data/index.ts";
import { encodePrompt, streamText } from "../eval/index.ts";
import type { CausalLM } from "../nn/index.ts";
import type { SampleEvent } from "../run/events.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { reportActivity } from "../util/activity.ts";

/** Maximum tokens of a sample. */
const sampleTokens = 32;

/** A prompt as text and as token ids, with the reference answer of its row. */
export interface SamplePrompt {
  readonly text: string;
  readonly ids: readonly number[];
  readonly expected?: string;
}

/**
 * The prompts of a run's samples: those in its recipe, or those of its first held-out rows, up to the first label, with the
 * labels as the reference answer. Rows of plain text have no prompt.
 * @param folder the model's folder, for its end tokens
 */
export async function samplePrompts(
  samples: RunConfig["samples"],
  rows: readonly Example[],
  { tokenizer, folder }: { tokenizer: Tokenizer; folder: string },
): Promise<SamplePrompt[]> {
  if (typeof samples !== "number")
    return Promise.all(samples.map(async (text) => ({ text, ids: await encodePrompt(tokenizer, text) })));
  const chosen = rows.filter(({ isLabel }) => isLabel.indexOf(1) > 1).slice(0, samples);
  const endTokens = eosTokenIds(folder, tokenizer);
  return Promise.all(
    chosen.map(async (row) => {
      const ids = [...row.ids.slice(0, row.isLabel.indexOf(1))];
      const expected = await tokenizer.decode(answerOf(row, endTokens));
      return { text: await tokenizer.decode(ids), ids, expected };
    }),
  );
}

/** The first labels of a row as an output would have them: up to an end token, and no longer than a sample. */
function answerOf({ ids, isLabel }: Example, endTokens: ReadonlySet<number>): number[] {
  const first = isLabel.indexOf(1);
  const answer = [...ids.slice(first, first + sampleTokens)];
  const end = answer.findIndex((id, i) => isLabel[first + i] !== 1 || endTokens.has(id));
  return end === -1 ? answer : answer.slice(0, end);
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
  for (const [done, { text, ids, expected }] of prompts.entries()) {
    reportActivity({ what: "generating samples", done, total: prompts.length });
    using cache = model.newCache();
    let output = "";
    const decode = (tokens: readonly number[]) => tokenizer.decode(tokens);
    for await (const piece of streamText(model, cache, ids, decode, settings)) output += piece;
    if (signal.aborted) break;
    events.push({
      type: "sample",
      step,
      prompt: text,
      output,
      ...(expected !== undefined && { expected }),
    });
  }
  return events;
}
