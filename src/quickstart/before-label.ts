import type { QuickstartResult } from "./quickstart-result.ts";

/** The untrained model's name in a table of results: with the number of its exercises where the trained ones had another. */
export function beforeLabel({
  before,
  rows,
  names,
}: Pick<QuickstartResult, "before" | "rows" | "names">): string {
  const isSameTest = rows.every(({ count }) => count === before.count);
  return isSameTest ? "before" : `before (${before.count} ${names.item})`;
}
