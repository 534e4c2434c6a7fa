import { displayWidth, type Paint, pad } from "./text.ts";

export interface Column {
  title: string;
  align?: "left" | "right";
}

/** A plain table: titles, then rows, columns two spaces apart, no trailing spaces. Cells are single lines. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string {
  const widths = columns.map((column, i) =>
    Math.max(...[column.title, ...rows.map((row) => row[i])].map(displayWidth)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => pad(cell, widths[i], columns[i].align))
      .join("  ")
      .trimEnd();
  const head = line(columns.map((column) => column.title));
  return [paint("bold", head), ...rows.map(line)].join("\n");
}
