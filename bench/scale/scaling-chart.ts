// Lines over the number of ranks, on a logarithmic axis.
import { text } from "../peer/chart.ts";

/** A line: values between 0 and 1 for each number of ranks. */
export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly { readonly size: number; readonly value: number }[];
}

const [width, height, left, right, top, bottom] = [820, 420, 64, 24, 96, 52];

/** An SVG of the lines. @param sizes the ticks of the axis */
export function scalingChart(title: string, lines: readonly Line[], sizes: readonly number[]): string {
  const most = Math.log(Math.max(...sizes));
  const x = (size: number) => left + (Math.log(size) / most) * (width - left - right);
  const y = (value: number) => top + (1 - value) * (height - top - bottom);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...lines.map(({ label, colour }, i) => {
      const [column, row] = [i % 2, Math.floor(i / 2)];
      const [legendX, legendY] = [left + 380 * column, 16 + 18 * row];
      return `<circle cx="${legendX + 6}" cy="${legendY}" r="5" fill="${colour}"/>${text(legendX + 18, legendY + 4, label)}`;
    }),
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((value) => [
      `<line x1="${left}" y1="${y(value).toFixed(1)}" x2="${width - right}" y2="${y(value).toFixed(1)}" stroke="${value === 0 ? "#6b7280" : "#e5e7eb"}"/>`,
      text(left - 8, y(value) + 4, `${100 * value} %`, "end", "#4b5563"),
    ]),
    ...sizes.map((size) =>
      text(x(size), height - bottom + 18, size.toLocaleString("en-US"), "middle", "#4b5563"),
    ),
    text(left, height - 10, "ranks", "start", "#4b5563"),
    ...lines.map(({ colour, points }) => {
      const path = points.map(({ size, value }) => `${x(size).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
      return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2.5"/>`;
    }),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}
