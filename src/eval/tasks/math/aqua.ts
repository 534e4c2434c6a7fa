import type { Row, ScoredOutput } from "../task.ts";
import { type WordProblem, wordProblemTask } from "./word-problem-task.ts";

/**
 * Algebra with five options (arXiv 1705.04146). `accuracy` takes the letter that the output calls its answer;
 * `first_letter` is LLM-Adapters' rule, the first capital A to E, whatever word it belongs to.
 */
export const aqua = wordProblemTask({
  name: "aqua",
  description: "AQuA: algebra in words, five options",
  folders: ["aqua", "AQuA", "aqua_rat"],
  columns: ["question", "options", "correct"],
  authorsLayout: "question + options + correct",
  authors: "deepmind/aqua_rat of the Hugging Face hub",
  answers: { pattern: /^[A-E]$/, words: "a letter from A to E" },
  readAuthorsRow,
  solutionOf: (answer) => `The answer is (${answer}).`,
  scoreOutput(output, { answer }): ScoredOutput {
    const [found, first] = [chosenLetter(output), /[A-E]/.exec(output)?.[0]];
    return {
      answer: found,
      scores: { accuracy: found === answer ? 1 : 0, first_letter: first === answer ? 1 : 0 },
    };
  },
});

/**
 * Ways to name an option, the clearest first; of several places the last counts. A small letter after "the answer is" is one only where
 * no word follows: `a` is a word too.
 */
const namings = [
  /(?:[Aa]nswer|ANSWER)(?: is| IS)?:? *\(?([A-E]\b|[a-e](?=\s*(?:[.,;:!)<]|$)))/gm,
  /\(([A-E])\)/g,
  /(?<![\w'])([A-E])(?![\w'])/g,
];

function chosenLetter(output: string): string | undefined {
  for (const naming of namings) {
    const letter = [...output.matchAll(naming)].at(-1)?.[1];
    if (letter !== undefined) return letter.toUpperCase();
  }
  return undefined;
}

/** `options` are `A)5`, which LLM-Adapters writes as `(A) 5`. */
function readAuthorsRow(row: Row): WordProblem | undefined {
  const { question = row["sQuestion"], correct = row["lSolutions"], options } = row;
  if (typeof question !== "string" || !Array.isArray(options)) return undefined;
  const listed = options.map((option) => String(option).replace(/^([A-E])\)\s*/, "($1) ")).join(" ");
  return { question: `${question.trim()} Answer Choices: ${listed}`, answer: correct };
}
