import { type ReportData, type ReportTable, runCharts } from "../report/index.ts";
import { formatBytes, formatCount, formatDuration } from "../util/format.ts";
import type { FractionEstimate, QuickstartResult, QuickstartScore } from "./quickstart-result.ts";
import type { QuickstartRuns } from "./quickstart-runs.ts";

/** The quickstart's report: how the methods compare, their curves, samples and what to try next. */
export function quickstartReport(
  quickstart: QuickstartRuns,
  { samples, next, seconds, remark }: QuickstartResult,
): ReportData {
  const { job, seed, runs } = quickstart;
  return {
    title: "scalora quickstart",
    summary: job.summary,
    facts: [
      { label: "Rank of the adapters", value: String(job.rank) },
      { label: "Steps per method", value: formatCount(job.training.steps) },
      { label: "Rows per step", value: formatCount(job.training.batchSize) },
      { label: "Seed", value: String(seed) },
      { label: "Total time", value: formatDuration(seconds) },
    ],
    charts: runCharts(runs.map(({ method, result }) => ({ name: method, events: result.events }))),
    tables: [comparison(quickstart, remark)],
    samples: samples.map(({ prompt, expected, before, after }) => ({
      prompt,
      outputs: [
        { name: "expected", text: expected },
        { name: "before", text: before },
        ...after.map(({ method, output }) => ({ name: method, text: output })),
      ],
    })),
    next,
  };
}

function comparison({ job, before, runs }: QuickstartRuns, remark: string): ReportTable {
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
      ["before", ...scoreCells(before), "", "", "", "", ""],
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
      `${remark} In brackets: 95 % bootstrap intervals over the ${job.names.item} of the test. ` +
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
