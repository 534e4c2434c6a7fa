import { type Headline, type ReportData, type ReportTable, runCharts } from "../report/index.ts";
import { formatBytes, formatCount, formatDuration } from "../util/format.ts";
import { beforeLabel } from "./before-label.ts";
import type { FractionEstimate, QuickstartResult, QuickstartScore } from "./quickstart-result.ts";
import type { QuickstartRuns } from "./quickstart-runs.ts";

/** The quickstart's report: how the methods compare, their curves, samples and what to try next. */
export function quickstartReport(quickstart: QuickstartRuns, result: QuickstartResult): ReportData {
  const { samples, next, seconds, remark } = result;
  const { job, seed, runs } = quickstart;
  const mark = (isExact: boolean | undefined) => (isExact ? ("right" as const) : ("wrong" as const));
  return {
    title: "scalora quickstart",
    headline: quickstartHeadline(quickstart),
    summary: job.summary,
    facts: [
      { label: "Rank of the adapters", value: String(job.rank) },
      { label: "Steps per method", value: formatCount(job.training.steps) },
      { label: "Rows per step", value: formatCount(job.training.batchSize) },
      { label: "Seed", value: String(seed) },
      { label: "Total time", value: formatDuration(seconds) },
    ],
    charts: runCharts(runs.map(({ method, result }) => ({ name: method, events: result.events }))),
    tables: [comparison(quickstart, beforeLabel(result), remark)],
    samples: samples.map(({ prompt, expected, before, after }, i) => ({
      prompt,
      outputs: [
        { name: "reference", text: expected },
        { name: "before", text: before, mark: mark(quickstart.before.areExact[i]) },
        ...after.map(({ method, output }, run) => ({
          name: method,
          text: output,
          mark: mark(runs[run]?.testResult.areExact[i]),
        })),
      ],
    })),
    next,
  };
}

/** The methods by their exact answers, and whether the test can tell the best two apart. */
export function quickstartHeadline({
  job: { names },
  before,
  runs,
}: Pick<QuickstartRuns, "before" | "runs"> & { job: Pick<QuickstartRuns["job"], "names"> }): Headline | null {
  const ranked = runs
    .map(({ method, testResult }) => ({ method, ...testResult.exact }))
    .sort((a, b) => b.value - a.value);
  const [best, second] = ranked;
  if (best === undefined) return null;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const others = ranked.slice(1).map(({ method, value }) => `, ${method} ${percent(value)}`);
  return {
    text: `${best.method} gets ${percent(best.value)} of the test's ${names.item} exactly right${others.join("")}; before training it was ${percent(before.exact.value)}`,
    certainty:
      `${second === undefined ? "" : comparisonText(best, second)} One seed: other seeds give other figures.`.trim(),
    tone: best.low > before.exact.high ? "result" : "warning",
  };
}

function comparisonText(
  best: FractionEstimate & { method: string },
  second: FractionEstimate & { method: string },
): string {
  if (best.low > second.high)
    return `The 95 % intervals of ${best.method} and ${second.method} do not overlap: the test tells them apart.`;
  return `The 95 % intervals of ${best.method} and ${second.method} overlap: this test does not tell which of them is better.`;
}

function comparison({ job, before, runs }: QuickstartRuns, label: string, remark: string): ReportTable {
  const right = (title: string) => ({ title, align: "right" as const });
  const titles = [
    `Exact ${job.names.item}`,
    `Right ${job.names.part}`,
    ...["Loss", "Trainable", "Time", "Peak memory", "Rank", "Entropy rank"],
  ];
  return {
    title: "The methods on the test set",
    columns: [{ title: "Method" }, ...titles.map(right)],
    rows: [
      [label, ...scoreCells(before), "", "", "", "", ""],
      ...runs.map(({ method, testResult, result }) => [
        method,
        ...scoreCells(testResult),
        formatCount(result.trainable),
        formatDuration(result.seconds),
        formatBytes(result.memory),
        result.rank.toFixed(1),
        result.entropyRank.toFixed(1),
      ]),
    ],
    note:
      `${remark} In brackets: 95 % intervals (Wilson), which the number of the test's ${job.names.item} decides. ` +
      "Rank is that of the accumulated change: the number of singular values above 1 % of the largest, averaged over the adapted layers; the " +
      "entropy rank weights them by energy. Memory is that of the whole process, including Node and libtorch.",
  };
}

const scoreCells = ({ exact, parts, loss }: QuickstartScore) => [
  shareText(exact),
  shareText(parts),
  loss.toFixed(4),
];

/** `93.8 % [87.5, 98.4]`. */
const shareText = ({ value, low, high }: FractionEstimate) =>
  `${(100 * value).toFixed(1)} % [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
