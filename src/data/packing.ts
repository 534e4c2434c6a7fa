/** Rows that are packed together; few enough that batches differ from epoch to epoch. */
export const rowsPackedTogether = 1024;

/**
 * Best-fit decreasing: in each group of 1,024 rows, the longest first, each row goes to the batch with the least room left for
 * it. Rows are never cut.
 * @param rows row indices in this epoch's order
 * @param lengthOf tokens of a row, at most `budget`
 * @returns batches of row indices, each of at most `budget` tokens
 */
export function packRows(
  rows: readonly number[],
  lengthOf: (row: number) => number,
  budget: number,
): number[][] {
  const batches: number[][] = [];
  for (let start = 0; start < rows.length; start += rowsPackedTogether)
    batches.push(...packGroup(rows.slice(start, start + rowsPackedTogether), lengthOf, budget));
  return batches;
}

function packGroup(rows: number[], lengthOf: (row: number) => number, budget: number): number[][] {
  const bins: { rows: number[]; room: number }[] = [];
  for (const row of rows.toSorted((a, b) => lengthOf(b) - lengthOf(a))) {
    const length = lengthOf(row);
    let best: (typeof bins)[number] | undefined;
    for (const bin of bins)
      if (bin.room >= length && (best === undefined || bin.room < best.room)) best = bin;
    if (best === undefined) bins.push({ rows: [row], room: budget - length });
    else {
      best.rows.push(row);
      best.room -= length;
    }
  }
  return bins.map((bin) => bin.rows);
}

/** Consecutive batches of `size` rows; the last may be smaller. */
export function chunkRows<T>(rows: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(i * size, (i + 1) * size),
  );
}
