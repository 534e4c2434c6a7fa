import { ScaloraError } from "../../util/errors.ts";
import type { Row } from "./task.ts";

/** The non-empty text of a column. @throws ScaloraError `data` when the row lacks it */
export function textColumn(row: Row, name: string, task: string, source: string): string {
  const value = row[name];
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new ScaloraError("data", `A row of ${task} lacks the column ${name}`, {
    where: source,
    expected: "a non-empty text",
    found: value === undefined ? `columns ${Object.keys(row).join(", ")}` : JSON.stringify(value),
  });
}
