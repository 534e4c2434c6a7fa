import type { ReportTable } from "../report/index.ts";
import type { CompareRow } from "./summary.ts";
import type { TrialResult } from "./trials.ts";

/** The comparison of one recipe of a plan. */
export interface PlanPart {
  /** Name of the recipe's file. */
  readonly recipe: string;
  readonly rows: readonly CompareRow[];
  /** All trials. */
  readonly results: readonly TrialResult[];
}

/** A table of a plan: a row for each setting, a column for each recipe or each task. */
export interface PlanTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly PlanRow[];
}

interface PlanRow {
  readonly setting: string;
  /** A figure of each column; null where there is none. */
  readonly values: readonly (number | null)[];
  /** Their mean; null where one is missing, or losses and scores are mixed. */
  readonly mean: number | null;
  readonly figure: CompareRow["figure"];
}

/** With tasks a table for each recipe, whose columns are the tasks; else one table, whose columns are the recipes. */
export function planTables(
  title: string,
  settings: readonly string[],
  parts: readonly PlanPart[],
  tasks: readonly string[] | undefined,
): PlanTable[] {
  if (tasks === undefined) {
    const columns = parts.map(({ recipe }) => recipe);
    return [{ title, columns, rows: settings.map((setting) => rowOfRecipes(setting, parts)) }];
  }
  return parts.map((part) => ({
    title: part.recipe,
    columns: tasks,
    rows: settings.map((setting) => rowOfTasks(setting, part, tasks)),
  }));
}

function rowOfRecipes(setting: string, parts: readonly PlanPart[]): PlanRow {
  const found = parts.map(({ rows }) => rows.find((row) => row.setting === setting));
  const figures = new Set(found.flatMap((row) => row?.figure ?? []));
  const values = found.map((row) => row?.mean ?? null);
  const [figure = "loss"] = figures;
  return { setting, values, mean: figures.size === 1 ? meanOf(values) : null, figure };
}

/** A setting's scores on tasks: means over the scored runs at its best candidate. */
function rowOfTasks(setting: string, { rows, results }: PlanPart, tasks: readonly string[]): PlanRow {
  const row = rows.find((each) => each.setting === setting);
  const scored = results.flatMap((result) =>
    row !== undefined && isOfRow(result, row) && result.tasks !== undefined ? [result.tasks] : [],
  );
  const values = tasks.map((task) =>
    scored.length === 0 ? null : meanOf(scored.map((scores) => scores[task] ?? null)),
  );
  return { setting, values, mean: meanOf(values), figure: "score" };
}

const isOfRow = (result: TrialResult, row: CompareRow) =>
  result.setting === row.setting &&
  result.lr === row.lr &&
  JSON.stringify(result.options ?? {}) === JSON.stringify(row.options ?? {});

/** The mean; null when a value is missing. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || known.length < values.length) return null;
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** A table as text cells, for the terminal and the page. */
export function planCells({ title, columns, rows }: PlanTable): ReportTable {
  const text = (value: number | null, figure: CompareRow["figure"]) =>
    value === null ? "–" : figure === "score" ? (100 * value).toFixed(2) : value.toFixed(4);
  return {
    title,
    columns: [
      { title: "setting" },
      ...[...columns, "mean"].map((column) => ({ title: column, align: "right" as const })),
    ],
    rows: rows.map(({ setting, values, mean, figure }) => [
      setting,
      ...[...values, mean].map((value) => text(value, figure)),
    ]),
    note: "Scores in percent, losses in nats, means over the seeds at each setting's best candidate.",
  };
}
