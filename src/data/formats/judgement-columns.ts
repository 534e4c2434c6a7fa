import { ScaloraError } from "../../util/errors.ts";
import type { DataFormat } from "./types.ts";

type Row = Readonly<Record<string, unknown>>;

/** Columns that mark answers as good or bad with true or false: KTO's in TRL and in LLaMA-Factory. */
const verdicts: readonly string[] = ["label", "kto_tag", "is_correct"];
/** Columns of an answer that is to be imitated, and of one that is not. */
const preferences: readonly string[] = ["chosen", "rejected", "chosen_response", "rejected_response"];
/** Columns that grade rows. Training takes all rows alike, so these are passed over only where the format is named. */
const grades: readonly string[] = ["score", "reward", "rating", "weight", "sample_weight"];

const isOneOf = (names: readonly string[], column: string) => names.includes(column.toLowerCase());

/** Grades among columns that are not read. */
export function unreadGrades(ignored: readonly string[]): string[] {
  return ignored.filter((name) => isOneOf(grades, name));
}

/** Whether a value is KTO's verdict on an answer. */
const isVerdict = (value: unknown): boolean =>
  typeof value === "boolean" || /^(true|false|0|1)$/i.test(String(value));

/** The column of a row that holds a verdict, if one does. */
export const verdictColumn = (row: Row): string | undefined =>
  Object.keys(row).find((name) => isOneOf(verdicts, name) && isVerdict(row[name]));

/**
 * Refuses a row whose columns say that its answers should not simply be imitated: preferences that the format does not
 * read, and, where the format was only recognised, grades.
 * @throws ScaloraError `data` with the format that honours the columns
 */
export function refuseJudgedRow(
  row: Row,
  { format, fileColumns }: { format: DataFormat; fileColumns: ReadonlyMap<string, string> },
  isNamed: boolean,
  where: string,
): void {
  const read = new Set(fileColumns.values());
  const isUnread = (name: string) => row[name] != null && !read.has(name);
  const unread = (names: readonly string[]) =>
    Object.keys(row).find((name) => isOneOf(names, name) && isUnread(name));
  if (unread(preferences) !== undefined && format !== "preference")
    throw judgedRow("Rows with chosen and rejected answers are not imitated as they are", row, where, {
      expected: "format: preference, which trains on the chosen answers and leaves out the rejected ones",
      fix: "set data.format: preference, or remove these columns from the file",
    });
  const verdict = format === "text" ? undefined : verdictColumn(row);
  if (verdict !== undefined && isUnread(verdict))
    throw judgedRow(`The column "${verdict}" says which answers are good`, row, where, {
      expected: "format: unpaired-preference, which trains on the rows with true and leaves out the others",
      fix: "set data.format: unpaired-preference, or remove this column from the file",
    });
  const grade = isNamed ? undefined : unread(grades);
  if (grade !== undefined)
    throw judgedRow(
      `The column "${grade}" grades the rows, and training takes all of them alike`,
      row,
      where,
      {
        expected: "rows that are all to be imitated",
        fix: `keep only the rows that you want, or set data.format: ${format} to pass over this column`,
      },
    );
}

function judgedRow(
  message: string,
  row: Row,
  where: string,
  { expected, fix }: { expected: string; fix: string },
): ScaloraError {
  return new ScaloraError("data", message, {
    where,
    expected,
    found: `columns ${Object.keys(row).join(", ")}`,
    fix,
  });
}
