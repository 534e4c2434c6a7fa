import type { LoadReport } from "../data/index.ts";
import { formatCountOf } from "../util/format.ts";

/** Of how many dropped rows the places and reasons are told. */
const named = 3;

/** What a person should know of rows that were read: which were dropped, and how many were cut. */
export function rowNotes({ rows, dropped, truncated, notes }: LoadReport): string[] {
  const places = dropped.slice(0, named).map(({ source, reason }) => `${source} (${reason})`);
  const more = dropped.length > named ? ", …" : "";
  return [
    ...(dropped.length > 0
      ? [`${dropped.length} of ${formatCountOf(rows, "row")} dropped: ${places.join(", ")}${more}`]
      : []),
    ...(truncated > 0 ? [`${truncated} of ${formatCountOf(rows, "row")} cut to data.maxLength`] : []),
    ...notes,
  ];
}
