import { isRecord } from "../../../util/json.ts";
import type { Row } from "../task.ts";

/** A question as the authors of a set publish it. */
export interface AuthorsQuestion {
  readonly question: string;
  /** Empty for a true-or-false question. */
  readonly options: readonly string[];
  /** Index of the right answer; NaN where it is not published. */
  readonly right: number;
}

/** The texts of columns, or undefined where one is missing or no text. */
export function textsOf(row: Row, ...names: readonly string[]): string[] | undefined {
  return asTexts(names.map((name) => row[name]));
}

/** The number in a column, written as a number or as text; NaN for anything else. */
export function numberIn(value: unknown): number {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") return /^\d+$/.test(value) ? Number(value) : Number.NaN;
  return typeof value === "number" ? value : Number.NaN;
}

/** A list of texts, or undefined for anything else. */
export function asTexts(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
}

/** A question of ARC or OpenBookQA: `choices: {text, label}`, and the label of the right one in `answerKey`. */
export function lettered(row: Row, questionColumn: string): AuthorsQuestion | undefined {
  const { choices, answerKey, [questionColumn]: question } = row;
  if (typeof question !== "string" || !isRecord(choices)) return undefined;
  const [options, labels] = [asTexts(choices["text"]), asTexts(choices["label"])];
  if (options === undefined || labels === undefined) return undefined;
  const right = typeof answerKey === "string" ? labels.indexOf(answerKey) : -1;
  return { question, options, right };
}
