import type { ChatTemplate } from "../data/index.ts";
import type { CausalLM } from "../nn/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { ExampleResult } from "./result-log.ts";
import type { TaskExample, TextTask } from "./tasks/index.ts";

/** A model that answers tasks. */
export interface TaskModel {
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer;
  /** Renders prompts as conversations; without one they are plain text. */
  readonly template: ChatTemplate | undefined;
  readonly endTokens: ReadonlySet<number>;
  /** Names all that its results depend on: weights, adapter, config and tokenizer. Needed only for a log with a file. */
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

/** An example that is still to be done. */
export interface PendingExample {
  readonly index: number;
  readonly example: TaskExample;
  readonly key: string;
  /** What the mode puts before the model. */
  readonly context: string;
}

/** A way to score examples. */
export interface ScoringMode {
  /** What stands before the output, or before every choice. */
  buildContext(subject: TaskModel, task: TextTask, example: TaskExample, settings: TaskSettings): string;
  /** What else a result depends on, beside the model and the example. */
  cacheKeyParts(subject: TaskModel, task: TextTask, settings: TaskSettings): unknown;
  run(
    subject: TaskModel,
    task: TextTask,
    jobs: readonly PendingExample[],
    settings: TaskSettings,
  ): AsyncGenerator<ExampleResult>;
  /** The scores of a result that the model gave earlier, by the rules of today. */
  rescore(
    result: ExampleResult,
    task: TextTask,
    example: TaskExample,
  ): Pick<ExampleResult, "scores" | "answer">;
}

/** What a result says of its example. */
export function resultHeader(
  task: TextTask,
  { index, example, key }: PendingExample,
): Pick<ExampleResult, "task" | "index" | "key" | "source" | "expected"> {
  return { task: task.name, index, key, source: example.source, expected: example.answer };
}
