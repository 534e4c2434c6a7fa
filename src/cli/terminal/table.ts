import { elementAt, zip } from "../../util/elements.ts";
import type { Paint } from "./painter.ts";
import { displayWidth, pad } from "./text-width.ts";

export interface Column {
  title: string;
  align?: "left" | "right";
}

/** A plain text table: titles and rows, columns two spaces apart, no trailing spaces. Cells are single lines. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string {
  const sized = columns.map(({ title, align }, i) => ({
    align,
    width: Math.max(...[title, ...rows.map((row) => elementAt(row, i))].map(displayWidth)),
  }));
  const line = (cells: readonly string[]) =>
    zip(cells, sized)
      .map(([cell, { width, align }]) => pad(cell, width, align))
      .join("  ")
      .trimEnd();
  const head = line(columns.map((column) => column.title));
  return [paint("bold", head), ...rows.map(line)].join("\n");
}
