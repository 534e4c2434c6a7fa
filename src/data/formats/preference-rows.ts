import { isDeepStrictEqual } from "node:util";
import { jsonOf } from "../../chat-template/python-text.ts";
import { jsonTypeName } from "../../data-files/json-type-name.ts";
import { ScaloraError } from "../../util/errors.ts";
import { isRecord } from "../../util/json.ts";

type PreferenceRow = Readonly<Record<string, unknown>>;

/** A prompt and the answer to train on: both texts, or both lists of messages. */
export interface PromptedAnswer {
  readonly prompt: unknown;
  readonly completion: unknown;
}

/**
 * The chosen answer of a preference row, in TRL's shapes: texts or messages, with a prompt or with one that both answers
 * begin with.
 * @throws ScaloraError `data` for a missing answer, answers of two kinds, or no prompt
 */
export function readChosenAnswer(
  row: { prompt: unknown; chosen: unknown; rejected: unknown },
  where: string,
): PromptedAnswer {
  refuseMissingAnswer(row, where);
  const [chosen, rejected] = [asMessages(row.chosen), asMessages(row.rejected)];
  const { prompt } = row;
  if (Array.isArray(chosen) && Array.isArray(rejected)) {
    if (Array.isArray(prompt)) return { prompt, completion: chosen };
    return splitAt(chosen, commonMessages(chosen, rejected), where);
  }
  if (typeof chosen === "string" && typeof rejected === "string") {
    if (prompt !== undefined && prompt !== null) return { prompt, completion: chosen };
    return splitAt(chosen, commonBeginning(chosen, rejected), where);
  }
  throw new ScaloraError("data", "The chosen and the rejected answer are not of one kind", {
    where,
    expected: "two texts, or two lists of messages",
    found: `${jsonTypeName(row.chosen)} and ${jsonTypeName(row.rejected)}`,
  });
}

function refuseMissingAnswer(row: { chosen: unknown; rejected: unknown }, where: string): void {
  const missing = (["chosen", "rejected"] as const).filter((name) => row[name] == null);
  if (missing.length === 0) return;
  throw new ScaloraError("data", "A preference row lacks an answer", {
    where,
    expected: "a chosen and a rejected answer",
    found: missing.map((name) => `${name} is missing`).join(", "),
  });
}

/** Whether a row has nothing to prefer. */
export const hasEqualAnswers = (row: PreferenceRow, columns: ReadonlyMap<string, string>) =>
  isDeepStrictEqual(row[columns.get("chosen") ?? "chosen"], row[columns.get("rejected") ?? "rejected"]);

/** One message stands for a list of it (LLaMA-Factory). */
const asMessages = (answer: unknown): unknown => (isRecord(answer) ? [answer] : answer);

function splitAt(answer: string | readonly unknown[], length: number, where: string): PromptedAnswer {
  if (length > 0) return { prompt: answer.slice(0, length), completion: answer.slice(length) };
  throw new ScaloraError("data", "A preference row has no prompt", {
    where,
    expected: "a column prompt, or answers that begin alike",
    found: "answers that differ from their beginning on",
    fix: "name the prompt's column, e.g. data.columns: { prompt: question }",
  });
}

function commonMessages(a: readonly unknown[], b: readonly unknown[]): number {
  const differ = a.findIndex((message, i) => jsonOf(message) !== jsonOf(b[i]));
  return differ < 0 ? a.length : differ;
}

/** Characters that two texts begin with, up to the end of a word; the space before the next word is not counted (TRL). */
function commonBeginning(a: string, b: string): number {
  let end = 0;
  while (end < a.length && a[end] === b[end]) end++;
  const cutsWord = end === a.length || isPartOfWord(a[end]);
  while (cutsWord && end > 0 && isPartOfWord(a[end - 1])) end--;
  return a[end - 1] === " " ? end - 1 : end;
}

const isPartOfWord = (character: string | undefined) => character !== undefined && /\S/.test(character);

/** KTO's verdict on an answer. @throws ScaloraError `data` for anything but true and false, 1 and 0 */
export function readVerdict(value: unknown, where: string): boolean {
  const text = String(value).toLowerCase();
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new ScaloraError("data", "The label of a row is neither true nor false", {
    where,
    expected: "true for an answer to train on, false for a rejected one",
    found: JSON.stringify(value) ?? "nothing",
  });
}
