import type { ChatTemplate } from "../data/index.ts";
import type { CausalLM } from "../nn/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { ProcessGroup } from "../torch/index.ts";
import type { ExampleResult } from "./result-log.ts";
import type { TaskExample, TextTask } from "./tasks/index.ts";

/** A model to score on tasks. */
export interface TaskModel {
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer;
  /** Chat template to render prompts as conversations; without one they are plain text. */
  readonly template: ChatTemplate | undefined;
  /** Puts a bare instruction into the prompt of another project's scripts; without it plain prompts are the task's own. */
  readonly scriptPrompt?: ((instruction: string) => string) | undefined;
  readonly endTokens: ReadonlySet<number>;
  /** Identifies weights, adapter, config and tokenizer, on which results depend. Needed only for a log with a file. */
  readonly identity: string;
}

export interface TaskSettings {
  readonly mode: "generate" | "loglikelihood";
  /** Solved examples of the training split before each example. */
  readonly shots: readonly TaskExample[];
  /** Number of beams; 1 is greedy decoding. */
  readonly beams: number;
  /** Maximum outputs generated at once. Results depend on it only by the rounding of the model's dtype. */
  readonly batch: number;
  readonly signal: AbortSignal;
  /** The ranks that share the examples, which each of them has all of. */
  readonly group?: ProcessGroup | undefined;
  onProgress(done: number, total: number): void;
}

/** An example without a result. */
export interface PendingExample {
  readonly index: number;
  readonly example: TaskExample;
  readonly key: string;
  /** Text that the model gets before its output or the choices. */
  readonly context: string;
}

/** A way to score examples. */
export interface ScoringMode {
  /** The text before the output, or before every choice. */
  buildContext(subject: TaskModel, task: TextTask, example: TaskExample, settings: TaskSettings): string;
  /** What a result depends on besides the model and the example. */
  cacheKeyParts(subject: TaskModel, task: TextTask, settings: TaskSettings): unknown;
  run(
    subject: TaskModel,
    task: TextTask,
    jobs: readonly PendingExample[],
    settings: TaskSettings,
  ): AsyncGenerator<ExampleResult>;
  /** Scores an earlier result by the present rules. */
  rescore(
    result: ExampleResult,
    task: TextTask,
    example: TaskExample,
  ): Pick<ExampleResult, "scores" | "answer">;
}

/** The fields of a result that identify its example. */
export function resultHeader(
  task: TextTask,
  { index, example, key }: PendingExample,
): Pick<ExampleResult, "task" | "index" | "key" | "source" | "expected"> {
  return { task: task.name, index, key, source: example.source, expected: example.answer };
}
