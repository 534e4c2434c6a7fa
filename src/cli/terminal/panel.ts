import type { Paint } from "./painter.ts";
import { displayWidth, pad, truncate, wrap } from "./text-width.ts";

/** A titled box of labels and values, no wider than necessary and than the terminal: longer values are wrapped. */
export function panel(
  title: string,
  facts: readonly (readonly [label: string, value: string])[],
  { columns, paint }: { columns: number; paint: Paint },
): string {
  const labelWidth = Math.max(0, ...facts.map(([label]) => displayWidth(label)));
  const limit = Math.max(20, columns - 4);
  const room = Math.max(10, limit - labelWidth - 2);
  const lines = facts.flatMap(([label, value]) =>
    (displayWidth(value) <= room ? [value] : wrap(value, room)).map((text, i) => {
      const shown = truncate(text, room);
      const name = pad(i === 0 ? label : "", labelWidth);
      return { plain: `${name}  ${shown}`, painted: `${paint("dim", name)}  ${shown}` };
    }),
  );
  const heading = truncate(title, limit - 1);
  const inner = Math.max(displayWidth(heading) + 1, ...lines.map(({ plain }) => displayWidth(plain)));
  const rule = "─".repeat(inner + 1 - displayWidth(heading) - 1);
  const body = lines.map(
    ({ plain, painted }) =>
      `${paint("dim", "│")} ${painted}${" ".repeat(inner - displayWidth(plain))} ${paint("dim", "│")}`,
  );
  return [
    `${paint("dim", "╭ ")}${paint("bold", heading)}${paint("dim", ` ${rule}╮`)}`,
    ...body,
    paint("dim", `╰${"─".repeat(inner + 2)}╯`),
  ].join("\n");
}
