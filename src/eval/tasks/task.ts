import type { TaskDataLocation } from "./find-task-files.ts";

/** A row of a data file, by column. */
export type Row = Readonly<Record<string, unknown>>;

/** A context with one continuation, as text, for log-likelihood scoring. */
export interface Choice {
  readonly context: string;
  /** Follows the context directly, with its leading space. */
  readonly continuation: string;
}

/** An example of a task for a causal model, as text. */
export interface TaskExample {
  /** `file:line` */
  readonly source: string;
  /** Prompt for a base model. */
  readonly prompt: string;
  /** Prompt as a message to a chat model. */
  readonly message: string;
  /** The reference output for few-shot prompts and training; follows the prompt directly. */
  readonly completion: string;
  /** The correct answer. */
  readonly answer: string;
  /** Choices for log-likelihood scoring, and the index of the correct one. */
  readonly choices?: readonly Choice[];
  readonly right?: number;
}

/** Scores of an output. */
export interface ScoredOutput {
  /** The answer found in it. */
  readonly answer: string | undefined;
  /** 0 or 1 for each metric, as Wilson's interval, which is reported with their means, needs; the main metric comes first. */
  readonly scores: Readonly<Record<string, number>>;
}

/** A task for causal models. */
export interface TextTask extends TaskDataLocation {
  readonly name: string;
  readonly description: string;
  /** Columns of its rows that `--columns` can name. */
  readonly columns: readonly string[];
  /** The layouts that its rows may have, for messages: the columns of each, as in `question + answer`. */
  readonly layouts: readonly string[];
  /** Maximum tokens of an output. */
  readonly maxTokens: number;
  /** Stop strings. */
  readonly stop: readonly string[];
  /** Between the examples of a few-shot prompt. */
  readonly separator: string;
  /** The answer that each choice of an example stands for; none for a task without choices. */
  readonly choiceAnswers: readonly string[];
  /**
   * @returns undefined for a row without the columns of a layout
   * @throws ScaloraError `data` naming the row, for a row of another task
   */
  read(row: Row, source: string): TaskExample | undefined;
  scoreOutput(output: string, example: TaskExample): ScoredOutput;
}
