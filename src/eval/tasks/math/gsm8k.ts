import { gsm8kPrompt, readAdaptersMaths } from "../../../data/index.ts";
import { ScaloraError } from "../../../util/errors.ts";
import type { Row, TextTask } from "../task.ts";
import { hasColumns, textColumn } from "../text-column.ts";

const answerMarker = "#### ";

/**
 * Grade school maths (arXiv 2110.14168). `flexible` and `strict` are lm-evaluation-harness' two rules: the last number
 * of the output, and the first one after "####".
 */
export const gsm8k: TextTask = {
  name: "gsm8k",
  description: "GSM8K: school maths in words, the answer a number",
  folders: ["gsm8k", "GSM8K"],
  columns: ["question", "answer"],
  layouts: ["question + answer", "instruction + output + answer"],
  source:
    "github.com/openai/grade-school-math, the data set openai/gsm8k of the Hugging Face hub, or github.com/AGI-Edgerunners/LLM-Adapters",
  maxTokens: 256,
  stop: ["Question:"],
  separator: "\n\n",
  choiceAnswers: [],
  read(given, source) {
    const row = asGsm8kRow(given);
    if (!hasColumns(row, "question", "answer")) return undefined;
    const question = textColumn(row, "question", "gsm8k", source);
    const solution = textColumn(row, "answer", "gsm8k", source);
    if (!solution.includes(answerMarker))
      throw new ScaloraError("data", "A row of gsm8k has no final answer", {
        where: source,
        expected: 'an answer that ends with "#### " and a number',
        found: JSON.stringify(solution.slice(-60)),
      });
    const answer = normalizeAnswer(solution);
    return { source, prompt: gsm8kPrompt(question), message: question, completion: ` ${solution}`, answer };
  },
  scoreOutput(output, { answer }) {
    const [strict, flexible] = [strictAnswer(output), flexibleAnswer(output)];
    const isRight = (found: string | undefined) =>
      found !== undefined && normalizeAnswer(found) === answer ? 1 : 0;
    return { answer: flexible, scores: { flexible: isRight(flexible), strict: isRight(strict) } };
  },
};

/** A row of LLM-Adapters with a number as GSM8K lays it out; a solution that ends in another answer is left out. */
function asGsm8kRow(row: Row): Row {
  const maths = readAdaptersMaths(row);
  if (maths === undefined || !/\d/.test(maths.answer)) return row;
  const { question, solution, answer, isSolved } = maths;
  return { question, answer: `${isSolved ? `${solution}\n` : ""}${answerMarker}${answer}` };
}

/** The first number after "####". */
function strictAnswer(output: string): string | undefined {
  return /#### (-?[0-9.,]+)/.exec(output)?.[1];
}

/** The last number, with its dollar sign and commas. */
function flexibleAnswer(output: string): string | undefined {
  return output.match(/-?[$0-9.,]{2,}|-?[0-9]+/g)?.at(-1);
}

/** An answer without commas, dollar signs, a final full stop, and everything before the last "#### ". */
function normalizeAnswer(text: string): string {
  return text
    .replaceAll(",", "")
    .replaceAll("$", "")
    .replace(/.*#### /s, "")
    .replace(/\.$/, "")
    .toLowerCase();
}
