// Bars that show what the time of a step goes to.
import { text } from "../peer/chart.ts";

/** A step: its parts in seconds, in the order of the chart's. */
export interface Bar {
  readonly label: string;
  readonly seconds: readonly number[];
  /** Written behind the bar. */
  readonly total: string;
}

const [width, left, right, top, rowHeight] = [820, 290, 90, 60, 26];

/** An SVG in which every bar is as long as the others. */
export function stepChart(
  title: string,
  parts: readonly { readonly label: string; readonly colour: string }[],
  bars: readonly Bar[],
): string {
  const height = top + rowHeight * bars.length + 36;
  const x = (fraction: number) => left + fraction * (width - left - right);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts.flatMap(({ label, colour }, i) => [
      `<rect x="${left + 130 * i}" y="14" width="12" height="12" fill="${colour}"/>`,
      text(left + 130 * i + 18, 24, label),
    ]),
    ...bars.flatMap(({ label, seconds, total }, i) => {
      const y = top + rowHeight * i;
      const all = seconds.reduce((sum, each) => sum + each, 0);
      const starts = seconds.map((_, part) => seconds.slice(0, part).reduce((sum, each) => sum + each, 0));
      return [
        text(left - 12, y + 14, label, "end"),
        ...seconds.map((each, part) => {
          const [from, length] = [x((starts[part] ?? 0) / all), (x(1) - x(0)) * (each / all)];
          return `<rect x="${from.toFixed(1)}" y="${y}" width="${length.toFixed(1)}" height="${rowHeight - 7}" fill="${parts[part]?.colour}"/>`;
        }),
        text(x(1) + 8, y + 14, total),
      ];
    }),
    text(left, height - 12, title, "start", "#4b5563"),
    "</svg>",
  ];
  return `${lines.join("\n")}\n`;
}
