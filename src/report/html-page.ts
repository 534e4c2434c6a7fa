import { chartLibrary, reportScript } from "./browser-files.ts";
import { chartData } from "./page/chart-series.ts";
import type { Chart, Fact, ReportData, ReportTable, SampleGroup } from "./page/report-data.ts";
import { sampleMarks } from "./page/sample-marks.ts";
import { reportStyle, sharedStyle } from "./style-sheet.ts";

/**
 * A report as one HTML page that works offline. Its content security policy forbids every request, so that even a text that
 * escaped the escaping could not load anything.
 */
export function reportPage(data: ReportData): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(data.title)}</title>
<style>${chartLibrary("uPlot.min.css")}${sharedStyle}${reportStyle}</style>
</head>
<body>
<main>
${sections(data)
  .filter((part) => part !== "")
  .join("\n")}
</main>
<script type="application/json" id="charts">${scriptJson(data.charts.map((chart) => chartData(chart)))}</script>
<script>${chartLibrary("uPlot.iife.min.js")}</script>
<script type="module">${reportScript()}</script>
</body>
</html>
`;
}

const sections = (data: ReportData): string[] => [
  header(data),
  section("Warnings", warningsHtml(data.warnings ?? [])),
  section("Results", data.tables.map(tableHtml)),
  chartSection(data.charts),
  section("Samples", data.samples.map(sampleHtml)),
  section("Details", groupsHtml(data.groups ?? [])),
  section(
    "Try next",
    data.next?.length ? [`<pre class="next">${escapeHtml(data.next.join("\n"))}</pre>`] : [],
  ),
];

function header({ title, headline, summary, facts }: ReportData): string {
  const learnt =
    headline === undefined || headline === null
      ? ""
      : `<div class="headline ${headline.tone}"><p class="learnt">${escapeHtml(headline.text)}.</p><p class="soft">${escapeHtml(headline.certainty)}</p></div>`;
  const text = summary === undefined ? "" : `<p class="soft">${escapeHtml(summary)}</p>`;
  return `<header><h1>${escapeHtml(title)}</h1>${text}${learnt}${factsHtml(facts)}</header>`;
}

function factsHtml(facts: readonly Fact[]): string {
  const items = facts.map(
    ({ label, value }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return `<dl class="facts">${items.join("")}</dl>`;
}

function warningsHtml(warnings: readonly string[]): string[] {
  if (warnings.length === 0) return [];
  return [
    `<ul class="warnings">${warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`).join("")}</ul>`,
  ];
}

function groupsHtml(groups: NonNullable<ReportData["groups"]>): string[] {
  return groups.map(
    ({ title, facts }) => `<div class="group"><h3>${escapeHtml(title)}</h3>${factsHtml(facts)}</div>`,
  );
}

function section(title: string, parts: readonly string[]): string {
  return parts.length === 0 ? "" : `<section><h2>${title}</h2>${parts.join("\n")}</section>`;
}

function chartSection(charts: readonly Chart[]): string {
  if (charts.length === 0) return "";
  const cards = charts.map(
    ({ title, note }, i) =>
      `<div class="card"><h3>${escapeHtml(title)}</h3>${noteHtml(note)}<div id="chart-${i}"></div></div>`,
  );
  const smoothing = charts.some(({ noisy }) => noisy)
    ? '<label class="control">Smoothing <input id="smoothing" type="range" min="0" max="20" step="1" value="2"></label>'
    : "";
  return section("Curves", [smoothing, `<div class="charts">${cards.join("")}</div>`]);
}

function tableHtml({ title, columns, rows, note }: ReportTable): string {
  const cell = (tag: "th" | "td", text: string, i: number) =>
    `<${tag}${columns[i]?.align === "right" ? ' class="right"' : ""}>${escapeHtml(text)}</${tag}>`;
  const head = columns.map((column, i) => cell("th", column.title, i)).join("");
  const body = rows.map((row) => `<tr>${row.map((text, i) => cell("td", text, i)).join("")}</tr>`).join("");
  const table = `<table class="data"><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
  const scroll = `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(title)}">${table}</div>`;
  return `<div class="card"><h3>${escapeHtml(title)}</h3>${scroll}${noteHtml(note)}</div>`;
}

function sampleHtml({ prompt, outputs }: SampleGroup): string {
  const texts = outputs.map(({ name, text, mark }) => {
    const says = mark === undefined ? "" : ` <span class="${mark}">${sampleMarks[mark]}</span>`;
    return `<div class="output"><p class="by">${escapeHtml(name)}${says}</p><pre>${escapeHtml(text)}</pre></div>`;
  });
  return `<div class="card sample"><pre class="prompt">${escapeHtml(prompt)}</pre><div class="outputs">${texts.join("")}</div></div>`;
}

const noteHtml = (note: string | undefined) =>
  note === undefined ? "" : `<p class="soft">${escapeHtml(note)}</p>`;

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
