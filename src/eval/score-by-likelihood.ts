import { elementAt, zip } from "../util/elements.ts";
import { logLikelihoods } from "./log-likelihood.ts";
import { encodeChoice, fewShotPrefix } from "./prompts.ts";
import type { ExampleResult } from "./result-log.ts";
import { resultHeader, type ScoringMode } from "./scoring-mode.ts";
import type { TaskExample, TextTask } from "./tasks/index.ts";

/** Prefix tokens of one pass. */
const passTokens = 2048;

/** The choices are compared by their log-likelihoods. */
export const likelihoodMode: ScoringMode = {
  buildContext: (_, task, __, { shots }) => fewShotPrefix(task, shots),

  cacheKeyParts: ({ model }) => ({ maxPositions: model.info.maxPositions }),

  async *run({ model, tokenizer }, task, jobs, { signal }) {
    const cut = new Set<number>();
    const requests = [];
    for (const [i, { example, context: text }] of jobs.entries()) {
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
      const job = elementAt(jobs, i);
      yield {
        ...resultHeader(task, job),
        ...scoreChoices(values, task, job.example),
        logLikelihoods: values,
        truncated: cut.has(i),
      };
    }
  },

  rescore: ({ logLikelihoods = [] }, task, example) => scoreChoices(logLikelihoods, task, example),
};

/** The scores of the choices, and the answer of the one that `acc` takes. */
function scoreChoices(
  values: readonly number[],
  { choiceAnswers }: TextTask,
  { choices = [], right }: TaskExample,
): Pick<ExampleResult, "scores" | "answer"> {
  const texts = choices.map(({ continuation }) => continuation.replace(/^ /, ""));
  const best = argmax(values);
  const isRight = (lengths: readonly number[]) =>
    argmax(zip(values, lengths).map(([value, length]) => value / length)) === right ? 1 : 0;
  const scores = {
    acc: best === right ? 1 : 0,
    acc_norm: isRight(texts.map((text) => [...text].length)),
    acc_bytes: isRight(texts.map((text) => Buffer.byteLength(text))),
  };
  return { scores, answer: elementAt(choiceAnswers, best) };
}

/** Index of the first largest value. */
function argmax(values: readonly number[]): number {
  return Math.max(0, values.indexOf(Math.max(...values)));
}
