import { reportScript } from "./browser-script.ts";
import { alignSeries, downsample } from "./chart-series.ts";
import type { Chart, ReportData, ReportTable, SampleGroup } from "./report-data.ts";
import { reportStyle } from "./style-sheet.ts";

/** Script and style sheet of the chart library, as text. */
export interface ChartLibrary {
  script: string;
  style: string;
}

/**
 * A report as one HTML page that works offline. Its content security policy forbids every request, so that even a text that
 * escaped the escaping could not load anything.
 */
export function reportPage(data: ReportData, library: ChartLibrary): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(data.title)}</title>
<style>${library.style}${reportStyle}</style>
</head>
<body>
<main>
${[
  header(data),
  section("Results", data.tables.map(tableHtml)),
  chartSection(data.charts),
  section("Samples", data.samples.map(sampleHtml)),
  section(
    "Try next",
    data.next?.length ? [`<pre class="next">${escapeHtml(data.next.join("\n"))}</pre>`] : [],
  ),
]
  .filter((part) => part !== "")
  .join("\n")}
</main>
<script type="application/json" id="charts">${scriptJson(data.charts.map(chartData))}</script>
<script>${library.script}</script>
<script>${reportScript}</script>
</body>
</html>
`;
}

function header({ title, summary, facts }: ReportData): string {
  const items = facts.map(
    ({ label, value }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  const text = summary === undefined ? "" : `<p class="soft">${escapeHtml(summary)}</p>`;
  return `<header><h1>${escapeHtml(title)}</h1>${text}<dl class="facts">${items.join("")}</dl></header>`;
}

function section(title: string, parts: readonly string[]): string {
  return parts.length === 0 ? "" : `<section><h2>${title}</h2>${parts.join("\n")}</section>`;
}

function chartSection(charts: readonly Chart[]): string {
  const cards = charts.map(
    ({ title, note }, i) =>
      `<div class="card"><h3>${escapeHtml(title)}</h3>${noteHtml(note)}<div class="chart" id="chart-${i}"></div></div>`,
  );
  return cards.length === 0 ? "" : section("Curves", [`<div class="charts">${cards.join("")}</div>`]);
}

function tableHtml({ title, columns, rows, note }: ReportTable): string {
  const cell = (tag: "th" | "td", text: string, i: number) =>
    `<${tag}${columns[i]?.align === "right" ? ' class="right"' : ""}>${escapeHtml(text)}</${tag}>`;
  const head = columns.map((column, i) => cell("th", column.title, i)).join("");
  const body = rows.map((row) => `<tr>${row.map((text, i) => cell("td", text, i)).join("")}</tr>`).join("");
  const table = `<table class="data"><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
  return `<div class="card"><h3>${escapeHtml(title)}</h3><div class="scroll">${table}</div>${noteHtml(note)}</div>`;
}

function sampleHtml({ prompt, outputs }: SampleGroup): string {
  const texts = outputs.map(
    ({ name, text }) => `<div class="soft">${escapeHtml(name)}</div><pre>${escapeHtml(text)}</pre>`,
  );
  return `<div class="card sample"><pre class="prompt">${escapeHtml(prompt)}</pre>${texts.join("")}</div>`;
}

const noteHtml = (note: string | undefined) =>
  note === undefined ? "" : `<p class="soft">${escapeHtml(note)}</p>`;

/** The data of a chart for the page's script. */
function chartData({ xLabel, yLabel, logarithmic = false, series }: Chart) {
  return {
    xLabel,
    yLabel,
    logarithmic,
    names: series.map(({ name }) => name),
    data: alignSeries(series.map((line) => downsample(line))),
  };
}

const entities: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

/** Text escaped for HTML elements and attributes. */
function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities.get(character) ?? character);
}

/** JSON escaped so that it cannot close the script element around it. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
