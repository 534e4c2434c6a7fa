import { type CausalLM, tokenStream } from "../../nn/index.ts";
import { noGrad, scope } from "../../torch/index.ts";
import { elementAt, zip } from "../../util/elements.ts";
import { generateBatch } from "../generate-batch.ts";
import { logLikelihoods } from "../log-likelihood.ts";

/** Batch sizes that are compared with the first. */
export const batches = [1, 3, 8, 32] as const;

/** Two best logits that are closer may change places by the rounding of products of other shapes. */
const tieGap = 1e-4;

export interface Invariance {
  /** Largest difference of a log-likelihood between batch sizes, in nats, and of it per token. */
  readonly worstSum: number;
  readonly worstPerToken: number;
  /** Outputs that differ from batch 1's where the two best logits were closer than 1e-4. */
  readonly ties: number;
  /** Prompt and batch of outputs that differ where no two logits were that close. */
  readonly different: readonly string[];
  /** Milliseconds to write all outputs, by batch size. */
  readonly milliseconds: readonly number[];
}

const { signal } = new AbortController();

/** Greedy outputs of every prompt, and log-likelihoods of what batch 1 wrote, at every batch size. */
export async function compareBatches(
  model: CausalLM,
  prompts: readonly (readonly number[])[],
  maxTokens: number,
): Promise<Invariance> {
  const milliseconds: number[] = [];
  const outputs: number[][][] = [];
  for (const batch of batches) {
    const started = performance.now();
    outputs.push(await write(model, prompts, maxTokens, batch));
    milliseconds.push(performance.now() - started);
  }
  const [alone = [], ...others] = outputs;
  let ties = 0;
  const different: string[] = [];
  for (const [k, many] of others.entries()) {
    for (const [i, tokens] of many.entries()) {
      const at = tokens.findIndex((token, j) => token !== alone[i]?.[j]);
      if (at < 0) continue;
      if (bestGap(model, [...elementAt(prompts, i), ...tokens.slice(0, at)]) < tieGap) ties += 1;
      else different.push(`prompt ${i} at batch ${batches[k + 1]}`);
    }
  }
  return { ...(await compareScores(model, prompts, alone)), ties, different, milliseconds };
}

async function write(
  model: CausalLM,
  prompts: readonly (readonly number[])[],
  maxTokens: number,
  batch: number,
): Promise<number[][]> {
  const requests = prompts.map((prompt, i) => ({ name: `prompt ${i}`, prompt, seed: 0 }));
  const sampling = { temperature: 0 };
  const decode = async () => "";
  const options = { maxTokens, sampling, endTokens: new Set<number>(), stop: [], decode, batch, signal };
  const result: number[][] = [];
  for await (const { index, tokens } of generateBatch(model, requests, options)) result[index] = [...tokens];
  return result;
}

async function compareScores(
  model: CausalLM,
  prompts: readonly (readonly number[])[],
  outputs: readonly (readonly number[])[],
) {
  const requests = zip(prompts, outputs).map(([prefix, tokens], i) => ({
    name: `prompt ${i}`,
    continuations: [{ prefix, tokens }],
  }));
  const longest = Math.max(...prompts.map(({ length }) => length));
  const scores: number[][] = [];
  for (const batch of batches) {
    const values: number[] = [];
    for await (const one of logLikelihoods(model, requests, { passTokens: batch * longest, signal }))
      values[one.index] = elementAt(one.values, 0);
    scores.push(values);
  }
  const [alone = [], ...others] = scores;
  const differences = others.flatMap((values) =>
    values.map((value, i) => Math.abs(value - elementAt(alone, i))),
  );
  const perToken = differences.map((value, i) => value / elementAt(outputs, i % outputs.length).length);
  return { worstSum: Math.max(...differences), worstPerToken: Math.max(...perToken) };
}

/** How far the second best next token is behind the best. */
function bestGap(model: CausalLM, tokens: readonly number[]): number {
  const logits = noGrad(() =>
    scope(() =>
      model.lm_head
        .forward(model.hiddenStates(tokenStream(tokens, [0, tokens.length], { device: "cpu" })))
        .toFloats(),
    ),
  );
  const [best = 0, second = 0] = logits.slice(-model.info.vocabSize).sort((a, b) => b - a);
  return best - second;
}
