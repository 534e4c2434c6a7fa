import { isSameNumber, lastNumber } from "../../../data/index.ts";
import type { Row, TextTask } from "../task.ts";
import { type WordProblem, wordProblemTask } from "./word-problem-task.ts";

/** Settings that differ between the sets whose answers are numbers. */
interface NumberProblemConfig {
  readonly name: string;
  readonly description: string;
  readonly folders: readonly string[];
  readonly authors: string;
  /** Possible columns of the question and of the answer in the authors' files and on the Hugging Face hub. */
  readonly authorsColumns: { readonly question: readonly string[]; readonly answer: readonly string[] };
}

/** A set whose answers are numbers: the last number of the output counts, right within 0.001, as LLM-Adapters has it. */
export function numberProblemTask({ authorsColumns, ...set }: NumberProblemConfig): TextTask {
  return wordProblemTask({
    ...set,
    columns: ["question", "answer"],
    authorsLayout: [authorsColumns.question, authorsColumns.answer]
      .map((names) => names.join("/"))
      .join(" + "),
    answers: { pattern: /^-?\d+(\.\d+)?(e-?\d+)?$/, words: "a number" },
    readAuthorsRow: (row) => readByColumns(row, authorsColumns),
    solutionOf: (answer) => `The answer is ${answer}.`,
    scoreOutput: (output, { answer }) => {
      const found = lastNumber(output);
      return {
        answer: found,
        scores: { accuracy: found !== undefined && isSameNumber(found, answer) ? 1 : 0 },
      };
    },
  });
}

function readByColumns(row: Row, columns: NumberProblemConfig["authorsColumns"]): WordProblem | undefined {
  const question = columns.question.map((name) => row[name]).find((value) => typeof value === "string");
  const answer = columns.answer.map((name) => row[name]).find((value) => value !== undefined);
  if (question === undefined || answer === undefined) return undefined;
  const body = typeof row["Body"] === "string" ? withFullStop(row["Body"].trim()) : "";
  return { question: `${body}${question.trim()}`, answer: Array.isArray(answer) ? answer[0] : answer };
}

/** SVAMP's scene, which stands before its question, often without its full stop. */
const withFullStop = (text: string) => (/[.?!]$/.test(text) ? `${text} ` : `${text}. `);
