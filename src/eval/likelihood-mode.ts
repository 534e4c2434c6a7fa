import { logLikelihoods } from "./log-likelihood.ts";
import { encodeChoice, shotsBefore } from "./prompts.ts";
import type { ExampleResult } from "./result-log.ts";
import { resultOf, type TaskMode } from "./task-mode.ts";
import type { TaskExample } from "./tasks/index.ts";

/** Prefix tokens of one pass. */
const passTokens = 2048;

/** The choices are compared by how likely the model finds them. */
export const likelihoodMode: TaskMode = {
  textBefore: (_, task, __, { shots }) => shotsBefore(task, shots),

  conditions: ({ model }) => ({ maxPositions: model.info.maxPositions }),

  async *run({ model, tokenizer }, task, jobs, { signal }) {
    const cut = new Set<number>();
    const requests = [];
    for (const [i, { example, text }] of jobs.entries()) {
      const continuations = [];
      for (const { context, continuation } of example.choices ?? []) {
        const { prefix, tokens } = await encodeChoice(tokenizer, { context: text + context, continuation });
        const room = Math.max(1, model.info.maxPositions - tokens.length + 1);
        if (prefix.length > room) cut.add(i);
        continuations.push({ prefix: prefix.slice(-room), tokens });
      }
      requests.push({ name: example.source, continuations });
    }
    for await (const { index: i, values } of logLikelihoods(model, requests, { passTokens, signal })) {
      yield {
        ...resultOf(task, jobs[i]),
        ...judgeValues(values, jobs[i].example),
        logLikelihoods: values,
        truncated: cut.has(i),
      };
    }
  },

  judge: ({ logLikelihoods = [] }, _, example) => judgeValues(logLikelihoods, example),
};

function judgeValues(
  values: readonly number[],
  { choices = [], right }: TaskExample,
): Pick<ExampleResult, "scores" | "answer"> {
  const texts = choices.map(({ continuation }) => continuation.replace(/^ /, ""));
  const best = likeliest(values);
  const isRight = (lengths: readonly number[]) =>
    likeliest(values.map((value, k) => value / lengths[k])) === right ? 1 : 0;
  const scores = {
    acc: best === right ? 1 : 0,
    acc_norm: isRight(texts.map((text) => [...text].length)),
    acc_bytes: isRight(texts.map((text) => Buffer.byteLength(text))),
  };
  return { scores, answer: texts[best] };
}

/** The first of the largest. */
function likeliest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}
