import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Command } from "commander";
import type { RunEntry } from "../../run/list-runs.ts";
import { packageRoot } from "../../setup/paths.ts";
import { formatCountOf } from "../../util/format.ts";
import { clipMiddle } from "../../util/quote.ts";
import { jsonOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { table } from "../terminal/table.ts";
import { usageError } from "../usage-error.ts";
import { percent } from "../views/metric-text.ts";

type Catalog = typeof import("../../recipes/catalog.ts");

interface Options {
  json?: boolean;
}

/** `scalora ls methods|models|tasks|recipes|runs`. Needs no engine. */
export function addLs(program: Command, context: Context, load: () => Promise<Catalog>): void {
  const ls = program.command("ls").description("list methods, models, tasks, recipes or runs");
  ls.command("methods")
    .description("the training methods")
    .addOption(jsonOption())
    .action(async ({ json }: Options) => {
      const { listMethods } = await import("../../adapters/registry.ts");
      const rows = listMethods().map(({ name, summary }) => ({ method: name, description: summary }));
      if (json) context.json(rows);
      else print(context, rows, ["method", "description"]);
    });
  ls.command("models")
    .description("the supported model families")
    .addOption(jsonOption())
    .action(async ({ json }: Options) => {
      const rows = (await load()).listModels().map((family) => ({ family }));
      if (json) context.json(rows);
      else print(context, rows, ["family"]);
    });
  ls.command("tasks")
    .description("the tasks that a model can be scored on")
    .addOption(jsonOption())
    .action(async ({ json }: Options) => {
      const tasks = (await load()).listTasks();
      const rows = tasks.map(({ folders, columns: _, ...rest }) => ({
        ...rest,
        folder: folders.join(" or "),
      }));
      if (json) context.json(tasks);
      else print(context, rows, ["task", "model", "folder", "description"]);
    });
  ls.command("recipes")
    .description("recipes of this package and of ./recipes")
    .addOption(jsonOption())
    .action(async ({ json }: Options) => {
      const folders = new Set([join(packageRoot, "recipes"), resolve("recipes")]);
      const recipes = (await load()).listRecipes([...folders]);
      const rows = recipes.map((recipe) => ({ ...recipe, path: relative(process.cwd(), recipe.path) }));
      if (json) context.json(rows);
      else print(context, rows, ["path", "description"]);
    });
  ls.command("runs")
    .description("runs with their status, including those in subfolders")
    .argument("[folder]", "folder to search", "runs")
    .addOption(jsonOption())
    .action(async (folder: string, { json }: Options) => {
      assertFolderExists(folder);
      const { listRuns } = await import("../../run/list-runs.ts");
      const runs = listRuns(resolve(folder));
      if (json) return context.json(runs);
      print(context, runs.map(runRow), [
        "run",
        "state",
        "method",
        "step",
        "loss",
        "best held-out",
        "score",
        "updated",
      ]);
      const newer = runs.filter(({ state }) => state === "newer").length;
      if (newer > 0)
        context.note(
          `${formatCountOf(newer, "run")} written by a newer scalora; to read ${newer === 1 ? "it" : "them"}: npm install scalora@latest`,
        );
    });
}

/** The default folder of runs need not exist yet. */
function assertFolderExists(folder: string): void {
  if (folder === "runs" || existsSync(folder)) return;
  throw usageError(`There is no folder ${clipMiddle(folder)}`, "a folder with runs in it");
}

function runRow(run: RunEntry): Record<string, string> {
  return {
    run: run.name,
    state: run.state,
    method: run.method ?? "–",
    step: run.step === null ? "–" : `${run.step}/${run.totalSteps}`,
    loss: run.loss?.toFixed(4) ?? "–",
    "best held-out": run.bestEvalLoss?.toFixed(4) ?? "–",
    score: run.bestScore === null ? "–" : `${percent(run.bestScore)} %`,
    updated: run.updatedAt?.slice(0, 16).replace("T", " ") ?? "–",
  };
}

function print(context: Context, rows: readonly Record<string, string>[], titles: readonly string[]): void {
  if (rows.length === 0) {
    context.note("none");
    return;
  }
  const columns = titles.map((title) => ({ title }));
  context.result(
    table(
      columns,
      rows.map((row) => titles.map((title) => row[title] ?? "–")),
      context.tableStyle,
    ),
  );
}
