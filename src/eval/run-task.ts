import { createHash } from "node:crypto";
import { required } from "../util/elements.ts";
import { type ConfidenceInterval, wilsonInterval } from "../util/wilson-interval.ts";
import type { ExampleResult, ResultLog } from "./result-log.ts";
import { runOnRanks } from "./run-on-ranks.ts";
import { generateMode } from "./score-by-generation.ts";
import { likelihoodMode } from "./score-by-likelihood.ts";
import type { PendingExample, ScoringMode, TaskModel, TaskSettings } from "./scoring-mode.ts";
import type { TaskExample, TextTask } from "./tasks/index.ts";

const modes: Readonly<Record<TaskSettings["mode"], ScoringMode>> = {
  generate: generateMode,
  loglikelihood: likelihoodMode,
};

export interface MetricSummary extends ConfidenceInterval {
  readonly metric: string;
  /** Mean over the examples. */
  readonly value: number;
}

export interface TaskSummary {
  readonly task: string;
  readonly mode: TaskSettings["mode"];
  readonly examples: number;
  /** Each metric with its 95 % interval (Wilson); the task's main one first. */
  readonly metrics: readonly MetricSummary[];
  /** Prompts whose beginning was truncated to fit into the context. */
  readonly truncated: number;
  /** Outputs without an answer. */
  readonly unanswered: number;
  /** Outputs that reached the token limit. */
  readonly unfinished: number;
  /** Results taken from the log. */
  readonly reused: number;
}

/**
 * Scores a model on examples of a task and appends each result to the log. Outputs that the log already holds are not
 * generated again, but scored anew by the present rules. Of several ranks the first has the log; all get all new results.
 * @throws ScaloraError as `generateBatch` and `logLikelihoods`, and `usage` from the log
 */
export async function runTask(
  subject: TaskModel,
  task: TextTask,
  examples: readonly TaskExample[],
  settings: TaskSettings,
  log: ResultLog,
): Promise<TaskSummary> {
  const mode = modes[settings.mode];
  const { results, jobs } = splitFinishedAndPending(mode, subject, task, examples, settings, log);
  const reused = results.length;
  settings.onProgress(reused, examples.length);
  const run = (some: readonly PendingExample[]) => mode.run(subject, task, some, settings);
  for await (const result of settings.group ? runOnRanks(settings.group, jobs, run, settings) : run(jobs)) {
    log.add(result);
    results.push(result);
    settings.onProgress(results.length, examples.length);
  }
  return { task: task.name, mode: settings.mode, reused, ...summarise(results) };
}

/** The results in the log, and the examples that lack one. */
function splitFinishedAndPending(
  mode: ScoringMode,
  subject: TaskModel,
  task: TextTask,
  examples: readonly TaskExample[],
  settings: TaskSettings,
  log: ResultLog,
): { results: ExampleResult[]; jobs: PendingExample[] } {
  const results: ExampleResult[] = [];
  const jobs: PendingExample[] = [];
  const conditions = [subject.identity, settings.mode, mode.cacheKeyParts(subject, task, settings)];
  for (const [index, example] of examples.entries()) {
    const text = mode.buildContext(subject, task, example, settings);
    // A result does not depend on the file's path.
    const key = hash([...conditions, text, { ...example, source: undefined }]);
    const known = log.find(task.name, index, key);
    if (known === undefined) jobs.push({ index, example, key, context: text });
    else results.push({ ...known, ...mode.rescore(known, task, example) });
  }
  log.replaceResults(results);
  return { results, jobs };
}

function summarise(results: readonly ExampleResult[]) {
  const names = Object.keys(results[0]?.scores ?? {});
  const count = (holds: (result: ExampleResult) => boolean) => results.filter(holds).length;
  return {
    examples: results.length,
    metrics: names.map((metric): MetricSummary => {
      const total = results.reduce((sum, { scores }) => sum + required(scores[metric], metric), 0);
      const value = total / results.length;
      return { metric, value, ...wilsonInterval(value, results.length) };
    }),
    truncated: count(({ truncated }) => truncated === true),
    unanswered: count(({ answer }) => answer === null),
    unfinished: count(({ ended }) => ended === "length"),
  };
}

function hash(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
