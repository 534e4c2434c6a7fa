import type { Command } from "commander";
import type { RanksQuestion } from "../../forecast/forecast-ranks.ts";
import type { CheckRecipe } from "../../recipes/check-recipe.ts";
import { jsonOption, numberParser, setOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { usageError } from "../usage-error.ts";
import { checkText } from "../views/check-view.ts";

interface Options {
  set: string[];
  ranks?: number;
  latency?: number;
  bandwidth?: number;
  json?: boolean;
}

/** `scalora check`: whether a recipe would run, and what the run would take. */
export function addCheck(
  program: Command,
  context: Context,
  load: () => Promise<{ checkRecipe: CheckRecipe }>,
): void {
  program
    .command("check")
    .description(
      "try a recipe without writing anything: errors, parameters, memory, disk, time of three steps",
    )
    .argument("<recipe>", "YAML file of a recipe")
    .addOption(setOption())
    .option("--ranks <number>", "forecast the time on so many processes", numberParser(rankLimits))
    .option(
      "--latency <microseconds>",
      "with --ranks: of a message between two of them (default: 50)",
      numberParser(positive),
    )
    .option("--bandwidth <Gbit/s>", "with --ranks: of each of them (default: 10)", numberParser(positive))
    .addOption(jsonOption())
    .action(async (path: string, options: Options) => {
      const { set, json } = options;
      const ranks = ranksOf(options);
      const { onRanks } = await import("../../distributed/on-ranks.ts");
      await onRanks(context, async (group) => {
        const { loadPlugins, loadRecipe, recipeToYaml } = await import("../../config/index.ts");
        await loadPlugins(path, { set });
        const recipe = loadRecipe(path, { set });
        if (!group) await context.startEngine();
        const { checkRecipe } = await load();
        if (group && ranks) throw usageError("--ranks forecasts from one process", "no launcher");
        const check = await context.interruptible((signal) => checkRecipe(recipe, { signal, group, ranks }));
        // Of several ranks the first has the result; the end of another would end it.
        if (!check.ok && context.rank === 0) context.exitCode = 2;
        if (json) context.json(check);
        else context.result(checkText(check, recipeToYaml(recipe), context.tableStyle));
      });
    });
}

const rankLimits = { least: 1, most: 1_000_000, whole: true };
const positive = { above: 0 };

/** @throws ScaloraError `usage` for a network without ranks */
function ranksOf({ ranks: size, latency, bandwidth }: Options): RanksQuestion | undefined {
  if (size === undefined && (latency ?? bandwidth) !== undefined)
    throw usageError("--latency and --bandwidth need --ranks", "scalora check RECIPE --ranks N");
  if (size === undefined) return undefined;
  return { size, network: { latency: (latency ?? 50) / 1e6, bandwidth: ((bandwidth ?? 10) * 1e9) / 8 } };
}
