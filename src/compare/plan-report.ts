import type { ReportData, ReportTable } from "../report/index.ts";
import { formatCountOf } from "../util/format.ts";
import type { CompareResult } from "./compare-request.ts";
import type { ColumnDifference, PlanRow, PlanTable } from "./plan-table.ts";
import { isWithinNoise } from "./statistics.ts";
import {
  choiceText,
  chosenText,
  differenceText,
  edgeTexts,
  equalRemark,
  missingTexts,
  neededText,
  resultText,
} from "./table.ts";

/** The comparison of one of a plan's recipes. */
export type RecipeComparison = CompareResult & { readonly recipe: string };

const right = (title: string) => ({ title, align: "right" as const });

/** A plan's tables as text cells, each followed by what was chosen and by its differences, for the terminal and the page. */
export const planViews = (tables: readonly PlanTable[]): ReportTable[] =>
  tables.flatMap((table) => [resultsView(table), ...chosenView(table), ...differencesView(table)]);

/** The figures, with what was chosen where that is one recipe's. */
function resultsView({ title, columns, recipes, rows }: PlanTable): ReportTable {
  const hasChosen = recipes.length === 1;
  const titles = [...(hasChosen ? ["chosen"] : []), ...columns, "mean"];
  return {
    title,
    columns: [{ title: "setting" }, ...titles.map(right)],
    rows: rows.map((row) => [
      row.setting,
      ...(hasChosen ? chosenCells(row) : []),
      ...row.values.map((value, i) => {
        const deviation = row.deviations[i] ?? null;
        return `${figureText(value, deviation, row.figure)}${markOf(row.differences[i] ?? null)}`;
      }),
      figureText(row.mean, null, row.figure),
    ]),
    note: "Scores in percent, losses in nats: mean ± standard deviation over the seeds, at the rate (and swept options) that each setting has chosen.",
  };
}

/** What was chosen on each of several recipes. */
function chosenView({ title, recipes, rows }: PlanTable): ReportTable[] {
  if (recipes.length < 2) return [];
  return [
    {
      title: `${title}: chosen`,
      columns: [{ title: "setting" }, ...recipes.map(right)],
      rows: rows.map((row) => [row.setting, ...chosenCells(row)]),
      note: "The rate, and swept options, that each setting has chosen; * is at the end of its sweep.",
    },
  ];
}

const chosenCells = ({ chosen }: PlanRow) => chosen.map((each) => (each === null ? "–" : chosenText(each)));

const figureText = (mean: number | null, deviation: number | null, figure: PlanRow["figure"]) =>
  mean === null ? "–" : resultText({ figure, mean, deviation }, "");

/** Seeds and examples have marks of their own: examples speak of two models, not of methods. */
function markOf(difference: ColumnDifference | null): string {
  if (difference === null || !isWithinNoise(difference)) return "";
  return difference.over === "seeds" ? " ~" : " ≈";
}

/** Each setting against the first, column by column; none where there is nothing to compare. */
function differencesView({ title, columns, rows }: PlanTable): ReportTable[] {
  const found = rows.flatMap(({ setting, differences, figure }) =>
    differences.flatMap((difference, i) =>
      difference === null ? [] : [{ setting, column: columns[i] ?? "", figure, difference }],
    ),
  );
  if (found.length === 0) return [];
  return [
    {
      title: [title, `differences to ${rows[0]?.setting}`].filter((text) => text !== "").join(": "),
      columns: [{ title: "setting" }, { title: "on" }, ...["difference", "over", "seeds needed"].map(right)],
      rows: found.map(({ setting, column, figure, difference }) => [
        setting,
        column,
        differenceText(figure, difference, difference.over === "examples" ? markOf(difference) : undefined),
        formatCountOf(difference.pairs, difference.over === "seeds" ? "seed" : "example"),
        neededText(difference),
      ]),
      note: differencesNote(found.map(({ difference }) => difference)),
    },
  ];
}

function differencesNote(differences: readonly ColumnDifference[]): string {
  const has = (over: ColumnDifference["over"]) => differences.some((each) => each.over === over);
  const lines = [
    "Difference to the first row with its 95 % interval (Student's t), each by itself: of twenty that are nothing, one is expected to look like something.",
    has("seeds")
      ? "Over seeds: runs of the same seed; ~ is within noise (the interval holds 0, or there is one pair). Seeds needed: that many would show it in 80 % of comparisons."
      : "",
    has("examples")
      ? "Over examples: one seed was scored, so the pairs are a task's examples, and the interval is a statement on two trained models, not on methods; ≈ means that the examples do not tell the two models apart. Only more seeds (--seeds) tell the methods apart."
      : "",
    equalRemark(differences.filter(({ over }) => over === "seeds")),
  ];
  return lines.filter((line) => line !== "").join("\n");
}

/** What chose the candidates, which were at an edge, which settings have no result, and which runs failed. */
export function planRemarks(comparisons: readonly RecipeComparison[]): string[] {
  const choices = new Set(comparisons.map((each) => choiceText(each.rows, each)));
  const ofRecipes = comparisons.flatMap(({ recipe, rows, missing, failed }) => [
    ...[...edgeTexts(rows), ...missingTexts(missing)].map((text) => `${recipe}: ${text}`),
    ...failed.map(({ folder, message }) => `failed: ${folder}: ${message}`),
  ]);
  return [...[...choices].filter((text) => text !== ""), ...ofRecipes];
}

/** A plan as a page. */
export function planReport(
  title: string,
  tables: readonly PlanTable[],
  comparisons: readonly RecipeComparison[],
): ReportData {
  const [results, ...others] = planViews(tables);
  const remarks = planRemarks(comparisons);
  const [first] = comparisons;
  const failed = comparisons.reduce((sum, each) => sum + each.failed.length, 0);
  return {
    title,
    headline: null,
    facts: [
      { label: "Seeds", value: first?.seeds.join(", ") ?? "" },
      { label: "Tuning seeds", value: first?.tuningSeeds.join(", ") || "none" },
      { label: "Failed runs", value: String(failed) },
    ],
    tables:
      results === undefined ? [] : [{ ...results, note: [results.note, ...remarks].join("\n") }, ...others],
    charts: [],
    samples: [],
  };
}
