import { alpacaPrompt, plainNumber, readAdaptersMaths } from "../../../data/index.ts";
import { ScaloraError } from "../../../util/errors.ts";
import type { Row, ScoredOutput, TaskExample, TextTask } from "../task.ts";

/** A problem with its answer, without a solution. */
export interface WordProblem {
  readonly question: string;
  readonly answer: unknown;
}

/** Settings that differ between the six sets. */
interface WordProblemConfig {
  readonly name: string;
  readonly description: string;
  readonly folders: readonly string[];
  /** Where the authors' own files are. */
  readonly authors: string;
  readonly columns: readonly string[];
  /** The columns of their rows. */
  readonly authorsLayout: string;
  /** The possible answers, as a pattern and in words. */
  readonly answers: { readonly pattern: RegExp; readonly words: string };
  /** The problem of a row as the set's authors lay it out; undefined for other rows. */
  readAuthorsRow(row: Row): WordProblem | undefined;
  /** A sentence that ends in the answer, for rows without a solution that does. */
  solutionOf(answer: string): string;
  scoreOutput(output: string, example: TaskExample): ScoredOutput;
}

/** A maths set of LLM-Adapters (arXiv 2304.01933): the problem in Alpaca's prompt, an output of up to 256 tokens. */
export function wordProblemTask(set: WordProblemConfig): TextTask {
  const { name, description, folders, authors, columns, authorsLayout, scoreOutput } = set;
  return {
    name,
    description,
    folders,
    columns,
    layouts: ["instruction + output + answer", authorsLayout],
    source: `github.com/AGI-Edgerunners/LLM-Adapters (dataset/) or ${authors}`,
    maxTokens: 256,
    stop: ["###"],
    separator: "\n\n",
    choiceAnswers: [],
    read: (row, source) => readExample(set, row, source),
    scoreOutput,
  };
}

function readExample(set: WordProblemConfig, row: Row, source: string): TaskExample | undefined {
  const maths = readAdaptersMaths(row);
  const problem = maths ?? set.readAuthorsRow(row);
  if (problem === undefined) return undefined;
  const answer = plainNumber(String(problem.answer));
  if (!set.answers.pattern.test(answer))
    throw new ScaloraError("data", `A row of ${set.name} has no answer`, {
      where: source,
      expected: set.answers.words,
      found: JSON.stringify(problem.answer) ?? "nothing",
    });
  return {
    source,
    prompt: alpacaPrompt(problem.question, "", "plain"),
    message: problem.question,
    completion: maths?.isSolved ? maths.solution : set.solutionOf(answer),
    answer,
  };
}
