import { expect, test } from "vitest";
import { resultsChart } from "./chart.ts";
import { resultsTable } from "./table.ts";
import { measuredRow } from "./testing/measured-row.ts";

const results = {
  machine: "a processor",
  rows: [measuredRow(), measuredRow({ name: "S-float32-2-busy", threads: 2, busy: 1 })],
  techniques: [],
  generation: [],
  failed: [{ name: "M-float32-1", reason: "the first loss differs" }],
  leftOut: ["gemma3-float32-1", "gemma3-float32-2"].map((name) => ({ name, reason: "no such model" })),
};

test("the table has a line for each row, and says what failed and what was left out", () => {
  expect(resultsTable(results)).toBe(`\
| model | dtype | threads | busy | by | A tokens/s | F | ours | ours : A, median (least–most) | ours : F | peak MiB: A | F | ours | others | load |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| S, a random Llama | float32 | 1 |  | CPU | 125 | 350 | 600 | 5.00× (4.00–6.00) | 1.75× (1.50–2.00) | 3000 | 1000 | 500 | 25 % | 1.0–2.0 |
| S, a random Llama | float32 | 2 | 1 | clock | 55 | 200 | 250 | 4.50× (4.00–5.00) | 1.25× (1.00–1.50) | 3000 | 1000 | 500 | 25 % | 1.0–2.0 |

a processor; 2026-11-29; up to 2 rounds a row.

**M-float32-1 failed**: the first loss differs.

Left out (no such model): gemma3-float32-1, gemma3-float32-2.
`);
});

test("the chart is an SVG with a label, a range and a median for each side of each row", () => {
  const chart = resultsChart(results.rows);
  expect(chart).toMatch(/^<svg .*viewBox="0 0 820 144"/);
  expect(chart).toContain(">S float32, 1 thread</text>");
  expect(chart).toContain(">S float32, 2 threads, busy machine</text>");
  // Two in the legend, and two sides in each of two rows.
  expect(chart.match(/<circle/g)).toHaveLength(2 + 4);
  expect(chart.match(/stroke-width="3"/g)).toHaveLength(4);
  const positions = [...chart.matchAll(/c[xy]="([\d.]+)"/g)].map(([, value]) => Number(value));
  expect(positions.every((value) => value > 0 && value < 820)).toBe(true);
});
