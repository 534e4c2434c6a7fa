import { elementAt, zip } from "../../util/elements.ts";
import type { Paint } from "./painter.ts";
import { displayWidth, pad, wrap } from "./text-width.ts";

export interface Column {
  title: string;
  align?: "left" | "right";
}

/** How a table is drawn. */
export interface TableStyle {
  readonly paint: Paint;
  /** Columns of the terminal, if it is one. */
  readonly width?: number | undefined;
}

/** Columns that are left to the last one of a table, however narrow the terminal is. */
const leastWidth = 16;

/**
 * A plain text table: titles and rows, columns two spaces apart, no trailing spaces. Cells are single lines; where a terminal is too
 * narrow, those of a last column of text are wrapped.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { paint, width = Number.POSITIVE_INFINITY }: TableStyle,
): string {
  const sized = columns.map(({ title, align }, i) => ({
    align,
    width: Math.max(...[title, ...rows.map((row) => elementAt(row, i))].map(displayWidth)),
  }));
  const before = sized.slice(0, -1).reduce((sum, column) => sum + column.width + 2, 0);
  const isText = columns.at(-1)?.align !== "right";
  const left = isText ? Math.max(leastWidth, width - before) : Number.POSITIVE_INFINITY;
  const wrapped = (cells: readonly string[]) => {
    const [first = "", ...more] =
      displayWidth(cells.at(-1) ?? "") <= left ? [cells.at(-1)] : wrap(cells.at(-1) ?? "", left);
    return [line([...cells.slice(0, -1), first]), ...more.map((text = "") => " ".repeat(before) + text)].join(
      "\n",
    );
  };
  const line = (cells: readonly string[]) =>
    zip(cells, sized)
      .map(([cell, { width, align }]) => pad(cell, width, align))
      .join("  ")
      .trimEnd();
  const head = line(columns.map((column) => column.title));
  return [paint("bold", head), ...rows.map(wrapped)].join("\n");
}
