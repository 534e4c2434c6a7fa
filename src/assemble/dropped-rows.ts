import type { LoadReport } from "../data/index.ts";
import { formatCountOf } from "../util/format.ts";

/** Maximum number of dropped rows that are listed with source and reason. */
const named = 3;

/** Notes on loaded rows for the user: which were dropped, how many hold rejected answers, and how many were truncated. */
export function rowNotes({ rows, dropped, rejected, truncated, notes }: LoadReport): string[] {
  const places = dropped.slice(0, named).map(({ source, reason }) => `${source} (${reason})`);
  const more = dropped.length > named ? ", …" : "";
  return [
    ...(rejected > 0
      ? [`${formatCountOf(rejected, "rejected answer")} of ${formatCountOf(rows, "row")} left out`]
      : []),
    ...(dropped.length > 0
      ? [`${dropped.length} of ${formatCountOf(rows, "row")} dropped: ${places.join(", ")}${more}`]
      : []),
    ...(truncated > 0 ? [`${truncated} of ${formatCountOf(rows, "row")} truncated to data.maxLength`] : []),
    ...notes,
  ];
}
