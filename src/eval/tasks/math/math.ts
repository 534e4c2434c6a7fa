import { maxCharacters } from "../../../answers/limits.ts";
import { isSameAnswer } from "../../../answers/same-answer.ts";
import { ScaloraError } from "../../../util/errors.ts";
import type { Row, TextTask } from "../task.ts";
import { hasColumns, textColumn } from "../text-column.ts";
import { isEquivalent } from "./latex-equivalence.ts";
import { minervaAnswer, minervaFinalSentence, normalizeMinervaAnswer } from "./minerva-answer.ts";

/**
 * Competition maths (arXiv 2103.03874). `exact` takes the answer from a box, from Minerva's or MetaMath's sentence, or from between
 * dollar signs, in this order, and compares what it means. `hendrycks` and `minerva` are lm-evaluation-harness' two rules
 * (the second without its computer algebra), for comparison with the literature.
 */
export const math: TextTask = {
  name: "math",
  description: "MATH: competition maths, the answer in LaTeX",
  folders: ["math", "MATH"],
  columns: ["problem", "solution", "answer"],
  layouts: ["problem + solution", "problem + answer"],
  source:
    "github.com/hendrycks/math or the data sets EleutherAI/hendrycks_math and MATH-500 of the Hugging Face hub",
  maxTokens: 512,
  stop: ["Problem:"],
  separator: "\n\n",
  choiceAnswers: [],
  read(row, source) {
    const hasSolution = hasColumns(row, "solution");
    if (!hasColumns(row, "problem", hasSolution ? "solution" : "answer")) return undefined;
    const column = (name: string) => textColumn(row, name, "math", source);
    const problem = column("problem");
    const given = answerColumn(row) ?? (hasSolution ? undefined : column("answer"));
    const solution = given !== undefined && isBlank(row["solution"]) ? "" : column("solution");
    const answer = given ?? boxedAnswer(solution);
    if (answer === undefined)
      throw new ScaloraError("data", "A row of math has no answer", {
        where: source,
        expected: "a solution with \\boxed{…}, or a column answer",
        found: JSON.stringify(solution.slice(-60)),
      });
    return {
      source,
      prompt: `Problem:\n${problem}\n\nSolution:`,
      message: problem,
      completion: ` ${solution && `${solution}\n`}${minervaFinalSentence(answer)}`,
      answer,
    };
  },
  scoreOutput(output, { answer }) {
    const [boxed, sentence] = [boxedAnswer(output), minervaAnswer(output)];
    const dollars = betweenDollars(output);
    const found = boxed ?? (sentence && withoutDollars(sentence)) ?? metaMathAnswer(output) ?? dollars;
    const isMinerva =
      sentence !== undefined &&
      sentence.length <= maxCharacters &&
      normalizeMinervaAnswer(sentence) === normalizeMinervaAnswer(answer);
    const scores = {
      exact: isSameAnswer(found, answer),
      hendrycks: isEquivalent(dollars, answer),
      minerva: isMinerva,
    };
    return {
      answer: found === output ? undefined : found,
      scores: Object.fromEntries(Object.entries(scores).map(([name, right]) => [name, right ? 1 : 0])),
    };
  },
};

/** The answer that a row has in a column of its own. */
function answerColumn({ answer }: Row): string | undefined {
  if (typeof answer === "number") return String(answer);
  return typeof answer === "string" && !isBlank(answer) ? answer : undefined;
}

const isBlank = (value: unknown) => value == null || (typeof value === "string" && value.trim() === "");

/**
 * Content of the last `\boxed{…}`, else `\fbox{…}`, that is closed, or the text after the last `\boxed ` up to a dollar sign. Where the
 * last box is not closed, as where an output is cut off, MATH's own `last_boxed_only_string` finds nothing; math-verify takes
 * the last closed one too.
 */
export function boxedAnswer(text: string): string | undefined {
  const bare = text.lastIndexOf("\\boxed ");
  if (bare >= 0) return text.slice(bare + "\\boxed ".length).split("$")[0];
  return lastInBraces(text, "boxed") ?? lastInBraces(text, "fbox");
}

/** Content of the braces that begin last, of those that follow a command and are closed. `\{` and `\}` are no braces. */
function lastInBraces(text: string, command: string): string | undefined {
  const marks = new RegExp(String.raw`\\${command}|\\\\(?!${command})|\\?[{}]`, "g");
  const opened: { start: number; isCommands: boolean }[] = [];
  let [isCommands, start, end] = [false, -1, -1];
  for (const { 0: mark, index } of text.matchAll(marks))
    if (mark === "{") {
      opened.push({ start: index + 1, isCommands });
      isCommands = false;
    } else if (mark === "}") {
      const braces = opened.pop();
      if (braces?.isCommands && braces.start > start) [start, end] = [braces.start, index];
    } else if (mark === `\\${command}`) isCommands = true;
  return start < 0 ? undefined : text.slice(start, end);
}

const metaMathSentence = "The answer is: ";

/** What follows the last "The answer is: ", with which MetaMath's answers end, without a full stop and dollar signs. */
function metaMathAnswer(text: string): string | undefined {
  const start = text.lastIndexOf(metaMathSentence);
  if (start < 0) return undefined;
  const [line = ""] = text.slice(start + metaMathSentence.length).split("\n", 1);
  return line === "" ? undefined : withoutDollars(line.trim().replace(/\.$/, ""));
}

/** Without the signs around a formula; `\$` of an amount stays. */
const withoutDollars = (text: string) => text.replaceAll(/(?<!\\)\$/g, "");

/** The text between the first and the last dollar sign, or all of it where there are not two. */
function betweenDollars(text: string): string {
  const [first, last] = [text.indexOf("$"), text.lastIndexOf("$")];
  return first === last ? text : text.slice(first + 1, last);
}
