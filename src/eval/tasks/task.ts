import type { TaskDataLocation } from "./find-task-files.ts";

/** A row of a data file, by column. */
export type Row = Readonly<Record<string, unknown>>;

/** One way to go on, as text, for scoring by log-likelihood. */
export interface Choice {
  readonly context: string;
  /** Follows the context directly, its own leading space included. */
  readonly continuation: string;
}

/** An example of a task for a causal model, as text. */
export interface TaskExample {
  /** `file:line` */
  readonly source: string;
  /** For a model that goes on with a text. */
  readonly prompt: string;
  /** The same as a message to a chat model. */
  readonly message: string;
  /** The reference's own output, as it is shown in few-shot prompts and trained on; follows the prompt directly. */
  readonly completion: string;
  /** What `judge` looks for in an output. */
  readonly answer: string;
  /** What log-likelihood chooses among, and which of it is right. */
  readonly choices?: readonly Choice[];
  readonly right?: number;
}

/** What an output is worth. */
export interface ScoredOutput {
  /** The answer that was found in it. */
  readonly answer: string | undefined;
  /** Each metric's score of this example, 0 or 1; the first one is the task's main metric. */
  readonly scores: Readonly<Record<string, number>>;
}

/** A task for causal models. */
export interface TextTask extends TaskDataLocation {
  readonly name: string;
  readonly description: string;
  /** Most tokens of an output. */
  readonly maxTokens: number;
  /** Texts that end an output. */
  readonly stop: readonly string[];
  /** Between the examples of a few-shot prompt. */
  readonly separator: string;
  readonly hasChoices: boolean;
  /** @throws ScaloraError `data` naming the row for what is not of this task */
  read(row: Row, source: string): TaskExample;
  scoreOutput(output: string, example: TaskExample): ScoredOutput;
}
