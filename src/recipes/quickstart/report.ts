import { formatBytes, formatCount, formatDuration } from "../../util/format.js";
import type { QuickstartResult } from "../api.js";
import { chartsOf, type ReportData, type ReportTable } from "../report/index.js";
import type { Quickstart } from "./done.js";
import { quickstartRank } from "./settings.js";
import { taskSizes } from "./world.js";

/** The quickstart's report: how the methods compare, their curves, samples and what to try next. */
export function quickstartReport(
  { seed, steps, runs }: Quickstart,
  { samples, next, seconds, remark }: QuickstartResult,
): ReportData {
  return {
    title: "scalora quickstart",
    summary:
      "A tiny Llama that can repeat sentences of English and of a made-up language, Lumi, is fine-tuned to translate the " +
      "one into the other, word for word by a dictionary that it has never seen. The sentences of the test are in no other set.",
    facts: [
      { label: "Rank of the adapters", value: String(quickstartRank) },
      { label: "Steps of each method", value: formatCount(steps) },
      {
        label: "Sentences",
        value: `${formatCount(taskSizes.train)} to learn from, ${taskSizes.test} in the test`,
      },
      { label: "Seed", value: String(seed) },
      { label: "Time in all", value: formatDuration(seconds) },
    ],
    charts: chartsOf(runs.map(({ method, result }) => ({ name: method, events: result.events }))),
    tables: [comparison(runs, remark)],
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

function comparison(runs: Quickstart["runs"], remark: string): ReportTable {
  const right = (title: string) => ({ title, align: "right" as const });
  const titles = [
    "Exact sentences",
    "Right words",
    "Loss",
    "Trainable",
    "Time",
    "Peak memory",
    "Rank",
    "Entropy rank",
  ];
  return {
    title: "The methods on the test set",
    columns: [{ title: "Method" }, ...titles.map(right)],
    rows: runs.map(({ method, result: { test, ...result } }) => [
      method,
      percent(test.exact),
      percent(test.words),
      test.loss.toFixed(4),
      formatCount(result.trainable),
      formatDuration(result.seconds),
      formatBytes(result.memory),
      result.rank.toFixed(1),
      result.entropyRank.toFixed(1),
    ]),
    note:
      `${remark} ` +
      "Rank is that of the accumulated change: singular values above 1 % of the largest, averaged over the adapted layers; the " +
      "entropy rank weighs them by their energy. Memory is the whole process's, most of it Node's and libtorch's own.",
  };
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
