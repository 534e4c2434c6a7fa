import { alpacaPrompt } from "../../../data/index.ts";
import { ScaloraError } from "../../../util/errors.ts";
import type { Choice, Row, TaskExample, TextTask } from "../task.ts";
import { hasColumns, textColumn } from "../text-column.ts";
import type { AuthorsQuestion } from "./authors-row.ts";

/** A parsed instruction of the LLM-Adapters files. */
export interface ParsedInstruction {
  /** Text between the task's prefix and its options. */
  readonly question: string;
  /** Texts of the options; empty for a true-or-false question. */
  readonly options: readonly string[];
}

/** Settings that differ between the eight tasks. */
export interface CommonsenseTaskConfig {
  readonly name: string;
  readonly description: string;
  readonly folders: readonly string[];
  /** Beginning of every instruction of the task. */
  readonly instructionPrefix: string;
  /** `Answer` of "Answer1: … Answer2: …", if the task has options. */
  readonly optionLabel?: string;
  /** What stands between two options; default a space. */
  readonly betweenOptions?: string;
  /** What stands before "Answer format: "; default an empty line. */
  readonly beforeFormat?: string;
  /** The possible answers. */
  readonly answers: readonly string[];
  /** Columns of a row as the set's authors lay it out. */
  readonly authorsLayout: string;
  /** The question of such a row; undefined for other rows. */
  readAuthorsRow(row: Row): AuthorsQuestion | undefined;
  /** The choices for log-likelihood scoring, in the order of the answers. */
  choices(instruction: ParsedInstruction): readonly Choice[];
}

/** A task of the commonsense benchmark of LLM-Adapters (arXiv 2304.01933). */
export function commonsenseTask(set: CommonsenseTaskConfig): TextTask {
  const { name, description, folders } = set;
  return {
    name,
    description,
    folders,
    columns: ["instruction", "input", "output", "answer"],
    layouts: ["instruction + output + answer", set.authorsLayout],
    source: "github.com/AGI-Edgerunners/LLM-Adapters (dataset/)",
    maxTokens: 32,
    stop: ["###"],
    separator: "\n\n",
    choiceAnswers: set.answers,
    read: (row, source) => readExample(set, row, source),
    scoreOutput: (output, { answer }) => {
      const found = findAnswer(output, set.answers);
      return { answer: found, scores: { accuracy: found === answer ? 1 : 0 } };
    },
  };
}

/** The first of the answers that occurs in an output, as in LLM-Adapters' evaluation. */
function findAnswer(output: string, answers: readonly string[]): string | undefined {
  return new RegExp(answers.join("|")).exec(output)?.[0];
}

function readExample(set: CommonsenseTaskConfig, given: Row, source: string): TaskExample | undefined {
  const authors = set.readAuthorsRow(given);
  const row = authors === undefined ? given : inAdaptersWording(set, authors, source);
  if (!hasColumns(row, "instruction", "output", "answer")) return undefined;
  const column = (name: string) => textColumn(row, name, set.name, source);
  const [instruction, output, answer] = [column("instruction"), column("output"), column("answer")];
  const input = typeof row["input"] === "string" ? row["input"] : "";
  const { parts, allowed } = parseInstruction(set, instruction, source);
  if (!allowed.includes(answer))
    throw new ScaloraError("data", `A row of ${set.name} has an unknown answer`, {
      where: source,
      expected: allowed.join(", "),
      found: JSON.stringify(answer),
    });
  return {
    source,
    prompt: alpacaPrompt(instruction, input, "plain"),
    message: alpacaPrompt(instruction, input, "chat"),
    completion: output,
    answer,
    choices: set.choices(parts),
    right: set.answers.indexOf(answer),
  };
}

/** The row that LLM-Adapters makes of a question. @throws ScaloraError `data` where the answer is not published */
function inAdaptersWording(
  {
    name,
    instructionPrefix,
    optionLabel,
    betweenOptions = " ",
    beforeFormat = "\n\n",
    answers,
  }: CommonsenseTaskConfig,
  { question, options, right }: AuthorsQuestion,
  source: string,
): Row {
  const answer = answers[right];
  if (answer === undefined)
    throw new ScaloraError("data", `A row of ${name} has no answer`, {
      where: source,
      fix: "the answers of some test sets are not published: give the validation set",
    });
  const allowed = options.length === 0 ? answers : answers.slice(0, options.length);
  const listed = options.map((text, i) => `${optionLabel}${i + 1}: ${text}`).join(betweenOptions);
  const body = listed === "" ? question : `${question}\n\n${listed}`;
  return {
    instruction: `${instructionPrefix}${body}${beforeFormat}Answer format: ${allowed.join("/")}`,
    output: `the correct answer is ${answer}`,
    answer,
  };
}

/** @throws ScaloraError `data` for an instruction of another task */
function parseInstruction(set: CommonsenseTaskConfig, instruction: string, source: string) {
  const { instructionPrefix, optionLabel, name } = set;
  const [, before = "", list = ""] = /^(.*)(?:\n\n| )Answer format: (.*)$/s.exec(instruction) ?? [];
  const allowed = list.trim().split("/");
  const isOurs = before.startsWith(instructionPrefix) && allowed.every((one) => set.answers.includes(one));
  const body = before.slice(instructionPrefix.length);
  const parts =
    optionLabel === undefined
      ? { question: body, options: [] }
      : splitOptions(body, optionLabel, allowed.length);
  if (isOurs && parts !== undefined) return { parts, allowed };
  throw new ScaloraError("data", `This is not an instruction of ${name}`, {
    where: source,
    expected: `"${instructionPrefix}…${optionLabel === undefined ? "" : `${optionLabel}1: …`}…Answer format: ${set.answers.slice(0, 3).join("/")}…"`,
    found: `"${instruction.slice(0, 80)}…"`,
    fix: `give the file of ${name}`,
  });
}

/** Splits a question from its options, which follow after an empty line: "Answer1: a Answer2: b", on one line or several. */
function splitOptions(body: string, option: string, count: number): ParsedInstruction | undefined {
  const first = body.lastIndexOf(`\n\n${option}1: `);
  if (first < 0) return undefined;
  const options: string[] = [];
  let start = first + `\n\n${option}1: `.length;
  for (let next = 2; next <= count; next++) {
    const mark = `${option}${next}: `;
    const at = body.indexOf(mark, start);
    if (at < 0) return undefined;
    options.push(body.slice(start, at).trim());
    start = at + mark.length;
  }
  options.push(body.slice(start).trim());
  return { question: body.slice(0, first), options };
}

/** The options' texts as continuations of one context, as lm-evaluation-harness joins them. */
export function choicesAfterContext(context: string, options: readonly string[]): Choice[] {
  return options.map((text) => ({ context, continuation: ` ${text}` }));
}

/** `answer1` to `answerN`, and the like. */
export function numberedAnswers(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${word}${i + 1}`);
}
