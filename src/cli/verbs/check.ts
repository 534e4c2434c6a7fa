import type { Command } from "commander";
import type { CheckRecipe } from "../../recipes/check-recipe.ts";
import { checkText } from "../check-view.ts";
import type { Context } from "../context.ts";
import { jsonOption, setOption } from "../shared-options.ts";

interface Options {
  set: string[];
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
    .addOption(jsonOption())
    .action(async (path: string, { set, json }: Options) => {
      const { loadPlugins, loadRecipe, recipeToYaml } = await import("../../config/index.ts");
      await loadPlugins(path, { set });
      const recipe = loadRecipe(path, { set });
      await context.startEngine();
      const { checkRecipe } = await load();
      const check = await context.interruptible((signal) => checkRecipe(recipe, { signal }));
      if (!check.ok) context.exitCode = 2;
      if (json) context.json(check);
      else context.result(checkText(check, recipeToYaml(recipe), context.paintOut));
    });
}
