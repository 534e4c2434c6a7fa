import { createHash } from "node:crypto";
import { type ChatTemplate, deriveSeed } from "../data/index.js";
import type { Tokenizer } from "../hub/tokenizer/index.js";
import type { CausalLM } from "../nn/index.js";
import { generateBatch } from "./generate-batch.js";
import { logLikelihoods } from "./log-likelihood.js";
import { bootstrapInterval, type Interval } from "./metrics/index.js";
import { encodeChoice, promptText, promptTokens, shotsBefore } from "./prompts.js";
import type { ExampleResult, ResultLog } from "./result-log.js";
import type { TaskExample, TextTask } from "./tasks/index.js";

/** A model that answers tasks. */
export interface TaskModel {
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer;
  /** Renders prompts as conversations; without one they are plain text. */
  readonly template: ChatTemplate | undefined;
  readonly endTokens: ReadonlySet<number>;
  /** Hash of its weights. */
  readonly identity: string;
}

export interface TaskSettings {
  readonly mode: "generate" | "loglikelihood";
  /** Solved examples before each one, of the training split. */
  readonly shots: readonly TaskExample[];
  /** Of the search for an output; 1 is greedy. */
  readonly beams: number;
  /** Most outputs written at once. Results depend on it only by the rounding of the model's dtype. */
  readonly batch: number;
  readonly signal: AbortSignal;
  onProgress(done: number, total: number): void;
}

export interface MetricSummary extends Interval {
  readonly metric: string;
  /** Mean over the examples. */
  readonly value: number;
}

export interface TaskSummary {
  readonly task: string;
  readonly mode: TaskSettings["mode"];
  readonly examples: number;
  /** Each metric with its 95 % bootstrap interval; the task's main one first. */
  readonly metrics: readonly MetricSummary[];
  /** Prompts whose beginning was cut off because the context is shorter. */
  readonly truncated: number;
  /** Outputs in which no answer was found. */
  readonly unanswered: number;
  /** Outputs that the token limit ended. */
  readonly unfinished: number;
  /** Results taken from the log. */
  readonly reused: number;
}

/** Prefix tokens of one pass of log-likelihoods. */
const passTokens = 2048;

/**
 * Scores a model on examples of a task, each result written to the log as soon as it is there.
 * @throws ScaloraError as `generateBatch` and `logLikelihoods`, and `usage` from the log
 */
export async function runTask(
  subject: TaskModel,
  task: TextTask,
  examples: readonly TaskExample[],
  settings: TaskSettings,
  log: ResultLog,
): Promise<TaskSummary> {
  const { mode, onProgress, beams } = settings;
  const results: ExampleResult[] = [];
  const jobs: Job[] = [];
  for (const [index, example] of examples.entries()) {
    const text =
      mode === "generate" ? promptText(task, example, { ...settings, template: subject.template }) : "";
    const shots = mode === "generate" ? "" : shotsBefore(task, settings.shots);
    // Where the file lies changes nothing.
    const content = { ...example, source: undefined };
    const key = hash([subject.identity, text, shots, content, mode, beams, task.maxTokens]);
    const known = log.find(task.name, index, key);
    if (known === undefined) jobs.push({ index, example, key, text, shots });
    else results.push(known);
  }
  const reused = results.length;
  onProgress(reused, examples.length);
  const run = mode === "generate" ? generateAnswers : compareChoices;
  for await (const result of run(subject, task, jobs, settings)) {
    log.add(result);
    results.push(result);
    onProgress(results.length, examples.length);
  }
  return { task: task.name, mode, reused, ...summarise(results) };
}

/** An example that is still to be done. */
interface Job {
  readonly index: number;
  readonly example: TaskExample;
  readonly key: string;
  /** The prompt, for generation. */
  readonly text: string;
  /** What stands before the choices, for log-likelihood. */
  readonly shots: string;
}

async function* generateAnswers(
  { model, tokenizer, template, endTokens }: TaskModel,
  task: TextTask,
  jobs: readonly Job[],
  { beams, batch, signal }: TaskSettings,
): AsyncGenerator<ExampleResult> {
  // Of a context shorter than twice an output, half is left to the prompt.
  const maxTokens = Math.min(task.maxTokens, Math.floor(model.info.maxPositions / 2));
  const room = model.info.maxPositions - maxTokens + 1;
  const prompts: number[][] = [];
  for (const { text } of jobs) prompts.push(await promptTokens(text, tokenizer, template !== undefined));
  const requests = jobs.map(({ index, example }, i) => ({
    name: example.source,
    prompt: prompts[i].slice(-room),
    seed: deriveSeed(task.name, index),
  }));
  const decode = (ids: readonly number[]) => tokenizer.decode(ids);
  const sampling = { temperature: 0 };
  const options = { maxTokens, sampling, beams, endTokens, stop: task.stop, decode, batch, signal };
  for await (const { index: i, text, tokens, reason } of generateBatch(model, requests, options)) {
    const { index, example, key } = jobs[i];
    const { answer = null, scores } = task.judge(text, example);
    yield {
      ...common(task, index, example, key),
      scores,
      answer,
      output: text,
      tokens: tokens.length,
      ended: reason,
      truncated: prompts[i].length > room,
    };
  }
}

async function* compareChoices(
  { model, tokenizer }: TaskModel,
  task: TextTask,
  jobs: readonly Job[],
  { signal }: TaskSettings,
): AsyncGenerator<ExampleResult> {
  const cut = new Set<number>();
  const requests = [];
  for (const [i, { example, shots }] of jobs.entries()) {
    const continuations = [];
    for (const { context, continuation } of example.choices ?? []) {
      const { prefix, tokens } = await encodeChoice(tokenizer, { context: shots + context, continuation });
      const room = Math.max(1, model.info.maxPositions - tokens.length + 1);
      if (prefix.length > room) cut.add(i);
      continuations.push({ prefix: prefix.slice(-room), tokens });
    }
    requests.push({ name: example.source, continuations });
  }
  for await (const { index: i, values } of logLikelihoods(model, requests, { passTokens, signal })) {
    const { index, example, key } = jobs[i];
    const { choices = [], right } = example;
    const texts = choices.map(({ continuation }) => continuation.replace(/^ /, ""));
    const best = likeliest(values);
    const isRight = (lengths: readonly number[]) =>
      likeliest(values.map((value, k) => value / lengths[k])) === right ? 1 : 0;
    yield {
      ...common(task, index, example, key),
      scores: {
        acc: best === right ? 1 : 0,
        acc_norm: isRight(texts.map((text) => [...text].length)),
        acc_bytes: isRight(texts.map((text) => Buffer.byteLength(text))),
      },
      answer: texts[best],
      logLikelihoods: values,
      truncated: cut.has(i),
    };
  }
}

function common(task: TextTask, index: number, { source, answer }: TaskExample, key: string) {
  return { task: task.name, index, key, source, expected: answer };
}

/** The first of the largest. */
function likeliest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}

function summarise(results: readonly ExampleResult[]) {
  const names = Object.keys(results[0]?.scores ?? {});
  const count = (holds: (result: ExampleResult) => boolean) => results.filter(holds).length;
  const sorted = results.toSorted((a, b) => a.index - b.index);
  return {
    examples: results.length,
    metrics: names.map((metric): MetricSummary => {
      const scores = sorted.map((result) => result.scores[metric]);
      const mean = (rows: Int32Array) => rows.reduce((sum, row) => sum + scores[row], 0) / rows.length;
      const value = mean(Int32Array.from(scores, (_, i) => i));
      return { metric, value, ...bootstrapInterval(scores.length, mean, { seed: 0 }) };
    }),
    truncated: count(({ truncated }) => truncated),
    unanswered: count(({ answer }) => answer === null),
    unfinished: count(({ ended }) => ended === "length"),
  };
}

function hash(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
