import { type Chart, type Headline, type ReportData, runCharts } from "../report/index.ts";
import { readEvents } from "../run/read-events.ts";
import { groupBy } from "../util/group-by.ts";
import type { Candidate } from "./candidates.ts";
import type { Setting } from "./method-settings.ts";
import { selectCandidate } from "./selection.ts";
import { isWithinNoise } from "./statistics.ts";
import { allDifferences, type CompareRow, differenceOf } from "./summary.ts";
import {
  certaintyText,
  compareColumns,
  differenceCells,
  differenceColumns,
  resultText,
  tableCells,
  tableRemark,
} from "./table.ts";
import { resultsOf, type SeedSets, type TrialResult } from "./trials.ts";

/** The best setting, and whether the seeds tell it apart from the next. */
export function compareHeadline(rows: readonly CompareRow[]): Headline | null {
  const sign = rows[0]?.figure === "score" ? -1 : 1;
  const [best, second] = rows.toSorted((a, b) => sign * (a.mean - b.mean));
  if (best === undefined) return null;
  const name = best.figure === "score" ? "score" : "held-out loss";
  if (second === undefined)
    return { text: `${best.setting} has a ${name} of ${resultText(best)}`, certainty: "", tone: "result" };
  const difference = differenceOf(best, second);
  const isClear = difference !== undefined && !isWithinNoise(difference);
  const verdict = isClear ? "is best" : "is ahead, not clearly";
  return {
    text: `${best.setting} ${verdict}: its ${name} is ${resultText(best)}, that of ${second.setting} ${resultText(second)}`,
    certainty:
      difference === undefined ? "The two have no seed in common." : certaintyText(best.figure, difference),
    tone: "result",
  };
}

/** The comparison as a page: tables, sweeps, and the curves of each setting's chosen run on the first seed that counts. */
export function compareReport(
  title: string,
  settings: readonly Setting[],
  seedSets: SeedSets,
  results: readonly TrialResult[],
  rows: readonly CompareRow[],
): ReportData {
  const runs = settings.flatMap((setting) => {
    const { best } = selectCandidate(setting, seedSets, results);
    const finished = best && resultsOf(setting, best, seedSets.seeds, results);
    const shown = finished?.find(({ failed }) => failed === null);
    return shown === undefined ? [] : [{ name: setting.name, events: readEvents(shown.folder) }];
  });
  return {
    title,
    headline: compareHeadline(rows),
    facts: [
      { label: "Runs", value: String(results.length) },
      { label: "Seeds", value: seedSets.seeds.join(", ") },
      { label: "Tuning seeds", value: seedSets.tuningSeeds.join(", ") },
      { label: "Failed runs", value: String(results.filter(({ failed }) => failed !== null).length) },
    ],
    tables: [
      {
        title: "The methods compared",
        columns: compareColumns,
        rows: rows.map(tableCells),
        note: tableRemark(rows, seedSets),
      },
      ...differenceTable(rows),
    ],
    charts: [...sweepCharts(rows), ...runCharts(runs)],
    samples: [],
  };
}

/** Each setting against each other, where there are more than the table above compares. */
function differenceTable(rows: readonly CompareRow[]): ReportData["tables"] {
  const figure = rows[0]?.figure ?? "loss";
  if (rows.length < 3) return [];
  return [
    {
      title: "Differences on the same seeds",
      columns: differenceColumns,
      rows: allDifferences(rows).map((difference) => differenceCells(figure, difference)),
      note: "Each 95 % interval is by itself: of twenty differences that are nothing, one is expected to look like something.",
    },
  ];
}

/** The figure of the tuning seeds over each number that is swept, a chart each: the learning rate, L, … */
export function sweepCharts(rows: readonly CompareRow[]): Chart[] {
  const axes = new Set(["lr", ...rows.flatMap(({ options }) => Object.keys(options))]);
  return [...axes].flatMap((axis): Chart[] => {
    const series = rows.flatMap((row) => sweepSeries(row, axis));
    if (series.length === 0) return [];
    const isLog = series.every(({ x }) => x.every((value) => value > 0));
    const name = axis === "lr" ? "the learning rate" : axis;
    return [
      {
        title: `Sweep of ${name}`,
        xLabel: isLog ? `log10 of ${name}` : name,
        yLabel: rows[0]?.figure ?? "score",
        series: isLog ? series.map((each) => ({ ...each, x: each.x.map(Math.log10) })) : series,
      },
    ];
  });
}

/** A row's sweep along one axis: a series for each combination of the other values with several points. */
function sweepSeries({ setting, sweep }: CompareRow, axis: string) {
  const points = sweep.flatMap(({ value, ...candidate }) => {
    const { [axis]: x, ...others } = valuesOf(candidate);
    return typeof x === "number" ? [{ x, others, value }] : [];
  });
  return groupBy(points, ({ others }) => JSON.stringify(others))
    .filter((group) => group.length > 1)
    .map((group) => ({
      name: [setting, ...otherTexts(group[0].others, sweep)].join(" "),
      x: group.map(({ x }) => x),
      y: group.map(({ value }) => value),
    }));
}

/** All values of a candidate by their paths; `lr` is the rate. */
const valuesOf = ({ lr, options }: Candidate): Candidate["options"] => ({ lr, ...options });

/** The values that a series shares, as far as the sweep has others. */
const otherTexts = (others: Candidate["options"], sweep: CompareRow["sweep"]) =>
  Object.entries(others)
    .filter(([key]) => new Set(sweep.map((candidate) => valuesOf(candidate)[key])).size > 1)
    .map(([key, value]) => `${key} ${value}`);
