import {
  type DataFormat,
  mapColumns,
  readAdaptersMaths,
  unreadGrades,
  verdictColumn,
} from "../data/index.ts";
import { ScaloraError } from "../util/errors.ts";

type Row = Readonly<Record<string, unknown>>;

/** How a recipe should read a file. */
export interface RecognisedFormat {
  format: Exclude<DataFormat, "auto">;
  /** Names of the file's columns, where they are not the usual ones. */
  columns?: Record<string, string>;
  /** What the format was recognised by. */
  reason: string;
  /** Columns that are not read. */
  ignored: string[];
}

/** Names by which columns of questions and answers, and of classification data, go elsewhere, in order of preference. */
const commonNames = {
  prompt: ["prompt", "question", "query", "input", "instruction", "problem", "document", "article"],
  completion: ["completion", "answer", "response", "output", "target", "solution", "summary"],
  text: ["text", "sentence", "sentence1", "content", "review", "premise", "question", "body", "title"],
  pair: ["pair", "sentence2", "hypothesis", "question2", "passage"],
  label: ["label", "labels", "class", "category", "target", "sentiment", "score", "stars", "rating"],
} as const;

/**
 * Recognises the format of a file by its first rows.
 * @param isClassifier whether the rows are for an encoder
 * @throws ScaloraError `data` naming the columns where nothing fits
 */
export function recogniseFormat(
  rows: readonly Row[],
  where: string,
  isClassifier: boolean,
): RecognisedFormat {
  const [first = {}] = rows;
  const recognised = isClassifier
    ? (byUsualColumns(first, "classification", where) ?? byCommonNames(first, "classification"))
    : (byPreference(first, where) ?? withGrades(byLanguage(first, rows, where)));
  if (recognised !== undefined) return recognised;
  throw new ScaloraError("data", "The columns fit no known format", {
    where,
    expected: isClassifier
      ? "a text and a label"
      : "messages, a prompt and a completion, an instruction and an output, or a text",
    found: `columns ${Object.keys(first).join(", ") || "none"}`,
    fix: "rename the columns, or write the recipe by hand with data.columns",
  });
}

function byLanguage(first: Row, rows: readonly Row[], where: string): RecognisedFormat | undefined {
  return (
    byTaskAnswers(first, rows) ??
    withAnswers(byUsualColumns(first, "auto", where), rows) ??
    byCommonNames(first, "prompt-completion") ??
    bySingleText(first)
  );
}

/** Says of numbers beside the outputs that they are passed over. */
function withAnswers(
  recognised: RecognisedFormat | undefined,
  rows: readonly Row[],
): RecognisedFormat | undefined {
  if (recognised?.format !== "alpaca" || !rows.some((row) => isNumber(readAdaptersMaths(row)?.answer)))
    return recognised;
  return {
    ...recognised,
    reason: `${recognised.reason}; the answers in the column answer are not read (data.format: gsm8k reads them, and drops rows whose output does not end in its answer)`,
  };
}

/** Says of columns that grade the rows that they are passed over. */
function withGrades(recognised: RecognisedFormat | undefined): RecognisedFormat | undefined {
  const grades = unreadGrades(recognised?.ignored ?? []);
  if (recognised === undefined || grades.length === 0) return recognised;
  return {
    ...recognised,
    reason: `${recognised.reason}; all rows are trained on alike, whatever their ${grades.join(" and ")}`,
  };
}

/** Rows that say which answers are good: their format trains on those. */
function byPreference(first: Row, where: string): RecognisedFormat | undefined {
  if ("chosen" in first && "rejected" in first) {
    const prompt = ["conversations", ...commonNames.prompt].find((name) => name in first);
    const columns = prompt === undefined || prompt === "prompt" ? undefined : { prompt };
    const reason = "the chosen answers are trained on, the rejected ones left out";
    return byUsualColumns(first, "preference", where, { columns, reason });
  }
  const reason = "the rows with true are trained on, those with false left out";
  return verdictColumn(first) === undefined
    ? undefined
    : byUsualColumns(first, "unpaired-preference", where, { reason });
}

/** The files of tasks, whose columns other formats have too. */
function byTaskAnswers(first: Row, rows: readonly Row[]): RecognisedFormat | undefined {
  const every = (column: string, pattern: RegExp) => rows.every((row) => pattern.test(String(row[column])));
  const ignoredBut = (...columns: string[]) => Object.keys(first).filter((name) => !columns.includes(name));
  if ("question" in first && every("answer", /\n#### \S/))
    return {
      format: "gsm8k",
      reason: "columns question and answer, answers that end in #### and a number",
      ignored: ignoredBut("question", "answer"),
    };
  if ("query" in first && every("response", /The answer is: [^\n]*$/))
    return {
      format: "metamathqa",
      reason: 'columns query and response, responses that end in "The answer is: " and an answer',
      ignored: ignoredBut("query", "response"),
    };
  const isCommonsense = "instruction" in first && "answer" in first;
  if (isCommonsense && every("output", /^the correct answer is /))
    return {
      format: "commonsense",
      reason: 'columns instruction, output and answer, outputs that begin with "the correct answer is"',
      ignored: ignoredBut("instruction", "input", "output", "answer"),
    };
  if (isMaths(rows))
    return {
      format: "gsm8k",
      reason:
        "columns instruction, output and answer, answers that are numbers: a row whose output does not end in its answer is dropped",
      ignored: ignoredBut("instruction", "input", "output", "answer"),
    };
  return undefined;
}

/** Maths of LLM-Adapters: every answer is a number, or the letter of a choice, and some outputs end in theirs. */
function isMaths(rows: readonly Row[]): boolean {
  const maths = rows.map(readAdaptersMaths);
  return (
    maths.every((row) => isNumber(row?.answer) || /^[A-E]$/.test(row?.answer ?? "")) &&
    maths.some((row) => isNumber(row?.answer) && row?.isSolved)
  );
}

const isNumber = (text: string | undefined) =>
  text !== undefined && text !== "" && Number.isFinite(Number(text));

function byUsualColumns(
  first: Row,
  format: DataFormat,
  where: string,
  { columns, reason }: { columns?: Record<string, string> | undefined; reason?: string } = {},
): RecognisedFormat | undefined {
  try {
    const { format: found, fileColumns, ignored } = mapColumns(first, { format, columns }, where);
    const names = columnsText([...fileColumns.values()].filter((name) => name in first));
    const why = reason === undefined ? names : `${names}: ${reason}`;
    return { format: found, ...(columns && { columns }), reason: why, ignored };
  } catch (error) {
    if (error instanceof ScaloraError) return undefined;
    throw error;
  }
}

function byCommonNames(
  first: Row,
  format: "prompt-completion" | "classification",
): RecognisedFormat | undefined {
  const wanted =
    format === "classification" ? (["text", "label", "pair"] as const) : (["prompt", "completion"] as const);
  const columns: Record<string, string> = {};
  for (const column of wanted) {
    const taken = Object.values(columns);
    const name = commonNames[column].find((each) => each in first && !taken.includes(each));
    if (name !== undefined) columns[column] = name;
    else if (column !== "pair") return undefined;
  }
  const read = Object.values(columns);
  return {
    format,
    columns,
    reason: `${columnsText(read)}, by their names`,
    ignored: Object.keys(first).filter((name) => !read.includes(name)),
  };
}

/** A file with one column of text. */
function bySingleText(first: Row): RecognisedFormat | undefined {
  const texts = Object.keys(first).filter((name) => typeof first[name] === "string");
  const [only, ...others] = texts;
  if (only === undefined || others.length > 0) return undefined;
  const ignored = Object.keys(first).filter((name) => name !== only);
  return {
    format: "text",
    columns: { text: only },
    reason: `${columnsText([only])}, the only one with text`,
    ignored,
  };
}

const columnsText = (names: readonly string[]) =>
  names.length === 1 ? `column ${names[0]}` : `columns ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
