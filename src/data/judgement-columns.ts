import { ScaloraError } from "../util/errors.ts";
import type { DataFormat } from "./types.ts";

type Row = Readonly<Record<string, unknown>>;

/** Columns that mark answers as good or bad with true or false: KTO's in TRL and in LLaMA-Factory. */
const verdicts = ["label", "kto_tag"] as const;
/** Columns that grade rows. Training takes all rows alike, so these are passed over only where the format is named. */
const grades = ["score", "reward", "rating", "weight"] as const;

/** Grades among columns that are not read. */
export function unreadGrades(ignored: readonly string[]): string[] {
  return ignored.filter((name) => grades.some((grade) => grade === name));
}

/** Whether a value is KTO's verdict on an answer. */
const isVerdict = (value: unknown): boolean =>
  typeof value === "boolean" || (typeof value === "string" && /^(true|false)$/i.test(value));

/** The column of a row that holds a verdict, if one does. */
export const verdictColumn = (row: Row): string | undefined => verdicts.find((name) => isVerdict(row[name]));

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
  if ((isUnread("chosen") || isUnread("rejected")) && !read.has("chosen"))
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
  const grade = isNamed ? undefined : grades.find(isUnread);
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
