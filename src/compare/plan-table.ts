import { type ExampleScores, readExampleScores } from "./score-tasks.ts";
import { deviation, mean, type PairedDifference, pairedDifference } from "./statistics.ts";
import type { CompareRow } from "./summary.ts";
import { isResultOf, type TrialResult } from "./trials.ts";

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
  /** The recipes that the table is of. */
  readonly recipes: readonly string[];
  readonly rows: readonly PlanRow[];
}

/** A setting's row. */
export interface PlanRow {
  readonly setting: string;
  /** A figure of each column; null where there is none. */
  readonly values: readonly (number | null)[];
  /** Standard deviation of each over the seeds (n − 1); null for fewer than two. */
  readonly deviations: readonly (number | null)[];
  /** What the setting's sweep has chosen on each of the table's recipes; null where it has no result. */
  readonly chosen: readonly (ChosenCandidate | null)[];
  /** How much each is above the first row's, pair by pair; null on the first row and where there are no pairs. */
  readonly differences: readonly (ColumnDifference | null)[];
  /** The mean of the values; null where one is missing, or losses and scores are mixed. */
  readonly mean: number | null;
  readonly figure: CompareRow["figure"];
}

/** A setting's rate and swept options, with those that are at the end of their sweeps. */
export type ChosenCandidate = Pick<CompareRow, "lr" | "options" | "edges">;

/** How much one setting is above the first in a column. */
export interface ColumnDifference extends PairedDifference {
  /**
   * What the pairs are: runs of the same seed, or examples of a task where only one seed was scored. Examples compare the two
   * trained models; of the methods, which another seed would show otherwise, they say nothing, and no seeds needed.
   */
  readonly over: "seeds" | "examples";
}

/** With tasks a table for each recipe, whose columns are the tasks; else one table, whose columns are the recipes. */
export function planTables(
  title: string,
  settings: readonly string[],
  parts: readonly PlanPart[],
  tasks: readonly string[] | undefined,
): PlanTable[] {
  if (tasks === undefined) {
    const recipes = parts.map(({ recipe }) => recipe);
    return [
      { title, columns: recipes, recipes, rows: settings.map((setting) => rowOfRecipes(setting, parts)) },
    ];
  }
  const examples = exampleReader();
  return parts.map((part) => ({
    title: part.recipe,
    columns: tasks,
    recipes: [part.recipe],
    rows: settings.map((setting) => {
      const first = setting === settings[0] ? [] : scoredRuns(settings[0], part);
      const chosen = chosenOf(rowOf(setting, part));
      return {
        ...rowOfTasks(setting, scoredRuns(setting, part), first, { tasks, examples }),
        chosen: [chosen],
      };
    }),
  }));
}

const rowOf = (setting: string | undefined, { rows }: PlanPart) =>
  rows.find((row) => row.setting === setting);

const chosenOf = (row: CompareRow | undefined): ChosenCandidate | null =>
  row === undefined ? null : { lr: row.lr, options: row.options, edges: row.edges };

function rowOfRecipes(setting: string, parts: readonly PlanPart[]): PlanRow {
  const found = parts.map((part) => rowOf(setting, part));
  const figures = new Set(found.flatMap((row) => row?.figure ?? []));
  const values = found.map((row) => row?.mean ?? null);
  const [figure = "loss"] = figures;
  const differences = found.map((row) => row?.difference && { ...row.difference, over: "seeds" as const });
  const average = figures.size === 1 ? meanOf(values) : null;
  return {
    setting,
    values,
    deviations: found.map((row) => row?.deviation ?? null),
    chosen: found.map(chosenOf),
    differences: differences.map((each) => each ?? null),
    mean: average,
    figure,
  };
}

/** A setting's scores on tasks: means over the scored runs at its best candidate. */
function rowOfTasks(
  setting: string,
  scored: readonly TrialResult[],
  first: readonly TrialResult[],
  { tasks, examples }: { tasks: readonly string[]; examples: ReadExamples },
): Omit<PlanRow, "chosen"> {
  const scores = tasks.map((task) => scored.map((run) => run.tasks?.[task] ?? null));
  const values = scores.map(meanOf);
  const deviations = scores.map((each) => deviation(each.filter((score) => score !== null)));
  const differences = tasks.map((task) => taskDifference(task, scored, first, examples) ?? null);
  return { setting, values, deviations, differences, mean: meanOf(values), figure: "score" };
}

/** The runs of a setting at its best candidate whose models were scored. */
function scoredRuns(setting: string | undefined, part: PlanPart): TrialResult[] {
  const row = rowOf(setting, part);
  if (row === undefined) return [];
  return part.results.filter((result) => result.tasks !== undefined && isResultOf(result, row.setting, row));
}

/** Two settings' scores on a task: seed by seed, or example by example of the one seed that both have. */
function taskDifference(
  task: string,
  runs: readonly TrialResult[],
  others: readonly TrialResult[],
  examples: ReadExamples,
): ColumnDifference | undefined {
  const pairs = runs.flatMap((run) => {
    const other = others.find(({ seed }) => seed === run.seed);
    return other === undefined ? [] : [{ run, other }];
  });
  const [only, ...more] = pairs;
  if (only !== undefined && more.length === 0) {
    const difference = pairedDifference(exampleDifferences(task, examples(only.run), examples(only.other)));
    if (difference !== undefined) return { ...difference, over: "examples", seedsNeeded: null };
  }
  const differences = pairs.flatMap(({ run, other }) => {
    const [score, reference] = [run.tasks?.[task], other.tasks?.[task]];
    return score === undefined || reference === undefined ? [] : [score - reference];
  });
  const difference = pairedDifference(differences);
  return difference && { ...difference, over: "seeds" };
}

type ReadExamples = (run: TrialResult) => ExampleScores;

/** Reads the examples of each run once. */
function exampleReader(): ReadExamples {
  const known = new Map<string, ExampleScores>();
  return ({ folder }) => {
    const scores = known.get(folder) ?? readExampleScores(folder);
    known.set(folder, scores);
    return scores;
  };
}

function exampleDifferences(task: string, run: ExampleScores, other: ExampleScores): number[] {
  return [...(run.get(task) ?? [])].flatMap(([index, score]) => {
    const reference = other.get(task)?.get(index);
    return reference === undefined ? [] : [score - reference];
  });
}

/** The mean; null when a value is missing. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 || known.length < values.length ? null : mean(known);
}
