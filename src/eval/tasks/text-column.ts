import { ScaloraError } from "../../util/errors.ts";
import type { Row } from "./task.ts";

/** Whether a row has all these columns. */
export const hasColumns = (row: Row, ...names: readonly string[]) => names.every((name) => name in row);

/** The non-empty text of a column. @throws ScaloraError `data` for anything else */
export function textColumn(row: Row, name: string, task: string, source: string): string {
  const value = row[name];
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new ScaloraError("data", `A row of ${task} has no text in the column ${name}`, {
    where: source,
    expected: "a non-empty text",
    found: JSON.stringify(value) ?? "nothing",
  });
}
