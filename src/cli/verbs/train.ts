import { basename, dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import type { Recipe } from "../../config/index.ts";
import type { RunResult, RunTraining } from "../../recipes/run-result.ts";
import type { ProcessGroup } from "../../torch/index.ts";
import { formatDuration } from "../../util/format.ts";
import { shellQuote } from "../../util/shell-quote.ts";
import { assertRunFolder } from "../check-run-folder.ts";
import { jsonOption, numberParser, setOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { table } from "../terminal/table.ts";
import { usageError } from "../usage-error.ts";
import { percent, perplexityText } from "../views/metric-text.ts";
import { RunProgressView } from "../views/run-progress-view.ts";

interface Options {
  set: string[];
  resume?: string;
  failOnDivergence?: boolean;
  profile?: boolean;
  silence?: number;
  json?: boolean;
}

interface Training {
  readonly context: Context;
  readonly load: () => Promise<{ trainAsRank: RunTraining }>;
  readonly group: ProcessGroup | undefined;
  readonly launcher: string | undefined;
}

/** `scalora train`: trains a recipe, or resumes a run. */
export function addTrain(program: Command, context: Context, load: Training["load"]): void {
  let help = "";
  const train = program
    .command("train")
    .description("fine-tune a model with a recipe")
    .argument("[recipe]", "YAML file of a recipe")
    .addOption(setOption())
    .option("--resume <run>", "resume from the newest checkpoint of a run's folder")
    .option("--fail-on-divergence", "exit with 1 when the run ends worse than it began, or by guessing")
    .option("--profile", "show where the time of some warm steps goes, and write trace.json and profile.txt")
    .option(
      "--silence <seconds>",
      "of several processes, how long one may give no sign of life (default 8)",
      numberParser({ least: 2, most: 86_400 }),
    )
    .addOption(jsonOption())
    .addHelpText("after", () => help)
    .action(async (path: string | undefined, options: Options) => {
      const { onRanks } = await import("../../distributed/on-ranks.ts");
      const { readLaunch } = await import("../../distributed/read-launch.ts");
      const launcher = readLaunch(context.env)?.launcher;
      await onRanks(
        context,
        (group) => trainOnce(path, options, { context, load, group, launcher }),
        options.silence,
      );
    });
  // The schemas of all methods are loaded for this command only.
  program.hook("preSubcommand", async (_, verb) => {
    if (verb === train) help = `\n${(await import("../views/recipe-help.ts")).recipeHelp(context)}`;
  });
}

/** Trains in this process, as one of the ranks of a group if there is one. */
async function trainOnce(path: string | undefined, options: Options, training: Training) {
  const { context, load, group, launcher } = training;
  const recipe = await loadRequestedRecipe(path, options);
  if (!group && options.silence !== undefined) context.note("note: --silence is for several processes");
  if (!group) await context.startEngine();
  const { trainAsRank } = await load();
  const { exitCodeOfStop } = await import("../../distributed/exit-code-of-stop.ts");
  const view = new RunProgressView(context, launcher);
  const onEvent = view.show.bind(view);
  const { profile = false } = options;
  const resume = options.resume !== undefined;
  const result = await context
    .interruptible(async (signal) => {
      const result = await trainAsRank(recipe, { signal, onEvent, group, resume, profile });
      if (group && result.reason === "stopped")
        context.exitCode = await exitCodeOfStop(group, context.exitCode);
      return result;
    }, "stopping after this step (repeat to stop immediately, without saving)")
    .finally(() => view.end());
  if (result.reason !== "stopped") context.exitCode = 0;
  if (options.failOnDivergence && result.divergence !== null) context.exitCode = 1;
  if (options.json) context.json(result);
  else context.result(resultText(result, context, group && launcher));
  if (result.alreadyFinished)
    context.note(`this run is already finished; nothing to do${profile ? ", and no step to profile" : ""}`);
}

async function loadRequestedRecipe(path: string | undefined, { resume, set }: Options): Promise<Recipe> {
  const { loadPlugins, loadPluginsOfRun, loadRecipe } = await import("../../config/index.ts");
  if (resume === undefined) {
    if (path === undefined) throw usageError("train needs a recipe", "`npx scalora train recipes/….yaml`");
    await loadPlugins(path, { set });
    return loadRecipe(path, { set });
  }
  if (path !== undefined || set.length > 0) {
    throw usageError(
      "--resume uses the run's own recipe, unchanged",
      "`npx scalora train --resume runs/<name>`",
      "omit the recipe and --set, or start a new run",
    );
  }
  const folder = resolve(resume);
  await assertRunFolder(folder);
  const config = join(folder, "config.yaml");
  await loadPluginsOfRun(config);
  const recipe = loadRecipe(config);
  return { ...recipe, run: { ...recipe.run, folder: dirname(folder), name: basename(folder) } };
}

/** @param launcher what has started the processes that have trained together */
function resultText(result: RunResult, context: Context, launcher: string | undefined): string {
  const perplexity = (value: number) =>
    result.task === "causal-lm" ? ` (perplexity ${perplexityText(value)})` : "";
  const loss = (value: number | null) => (value === null ? "–" : `${value.toFixed(4)}${perplexity(value)}`);
  const score = result.bestScore === null ? "" : `score ${percent(result.bestScore)} %, loss `;
  const endings = { finished: "finished", early: "finished early: no better evaluation", stopped: "stopped" };
  const already = result.alreadyFinished ? "already " : "";
  const isOlder = result.evalStep !== null && result.evalStep !== result.step;
  const atStep = isOlder ? ` at step ${result.evalStep}, the last evaluation` : "";
  const rows: [string, string][] = [
    ["run", result.folder],
    ["ended", `${already}${endings[result.reason]}, step ${result.step} of ${result.totalSteps}`],
    ["training loss", result.loss === null ? "–" : result.loss.toFixed(4)],
    ["held-out loss", loss(result.evalLoss) + atStep],
  ];
  if (result.divergence !== null)
    rows.push(
      result.collapsed
        ? [context.paintOut("red", "COLLAPSED"), `predicts by guessing: ${result.divergence}`]
        : [context.paintOut("red", "WORSE"), `ended worse than it began: ${result.divergence}`],
    );
  if (result.bestStep !== null)
    rows.push(["best", `${score}${loss(result.bestEvalLoss)} at step ${result.bestStep}`]);
  if (result.checkpoint !== null) rows.push(["checkpoint", result.checkpoint]);
  rows.push(["time", formatDuration(result.seconds)]);
  if (result.analysisSeconds !== null)
    rows.push([
      "analysis",
      `${result.analysisSeconds.toFixed(2)} s of it, ${percent(result.analysisSeconds / result.seconds)} %`,
    ]);
  const facts = table([{ title: "result" }, { title: "" }], rows, context.tableStyle);
  // On a line of its own, which no table breaks, so that it can be copied.
  return result.reason === "stopped" ? `${facts}\n${resumeText(result.folder, context, launcher)}` : facts;
}

/** How to go on with as many processes as before; any number goes on to the same bits. */
function resumeText(folder: string, { env }: Context, launcher: string | undefined): string {
  const words = `train --resume ${shellQuote(folder)}`;
  if (launcher === "scalora launch")
    return `resume with:\n  npx scalora launch --nproc ${env["LOCAL_WORLD_SIZE"]} ${words}`;
  const by = launcher === undefined ? "" : `, started by ${launcher} as before`;
  return `resume with${by}:\n  npx scalora ${words}`;
}
