import { elementAt, largestOf, zip } from "../../util/elements.ts";
import type { Paint } from "./painter.ts";
import { besideLabel, displayWidth, pad } from "./text-width.ts";

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

/** The last column begins a line of its own, indented by so much, where it would have fewer columns than this. */
const [leastWidth, indent] = [24, 4];

/**
 * A plain text table: titles and rows, columns two spaces apart, no trailing spaces. Cells are single lines; where a terminal is too
 * narrow, those of a last column of text are wrapped, below the others if need be; where even that does not fit, each row is a list.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { paint, width = Number.POSITIVE_INFINITY }: TableStyle,
): string {
  const titles = columns.map(({ title }) => title);
  const sized = columns.map(({ align }, i) => ({
    align,
    width: largestOf([titles, ...rows].map((row) => displayWidth(elementAt(row, i)))),
  }));
  const line = (cells: readonly string[]) =>
    zip(cells, sized.slice(0, cells.length))
      .map(([cell, column]) => pad(cell, column.width, column.align))
      .join("  ")
      .trimEnd();
  const before = sized.slice(0, -1).reduce((sum, column) => sum + column.width + 2, 0);
  const fits = before + (sized.at(-1)?.width ?? 0) <= width;
  if (fits || rows.length === 0) return [paint("bold", line(titles)), ...rows.map(line)].join("\n");
  if (columns.at(-1)?.align === "right" || before - 2 > width) return records(titles, rows, { paint, width });
  const isApart = width - before < leastWidth;
  const margin = isApart ? indent : before;
  const wrapped = (cells: readonly string[]) => {
    const others = line(cells.slice(0, -1));
    const last = besideLabel(isApart ? "" : others, cells.at(-1) ?? "", { margin, width });
    return (isApart ? [others, ...last] : last).map((text) => text.trimEnd());
  };
  const head = line(isApart ? titles.slice(0, -1) : titles);
  return [paint("bold", head), ...rows.flatMap(wrapped).filter((text) => text !== "")].join("\n");
}

/** Each row as a list of its own: its first cell, and below it the others with their titles. */
function records(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string {
  const labels = titles.slice(1).map((title) => " ".repeat(indent) + title);
  const margin = largestOf(labels.map(displayWidth)) + 2;
  return rows
    .flatMap(([name = "", ...cells]) => [
      paint("bold", name),
      ...zip(labels.slice(0, cells.length), cells).flatMap(([label, cell]) =>
        cell === "" ? [] : besideLabel(label, cell, { margin, width }),
      ),
    ])
    .join("\n");
}
