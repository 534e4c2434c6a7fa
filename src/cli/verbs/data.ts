import type { Command } from "commander";
import type { PreviewData } from "../../recipes/preview-data.ts";
import { jsonOption, numberParser, setOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { dataPreviewText } from "../views/data-view.ts";

interface Options {
  rows: number;
  set: string[];
  json?: boolean;
}

/** `scalora data`: the rows of a recipe as the model sees them, and which are dropped and why. */
export function addData(
  program: Command,
  context: Context,
  load: () => Promise<{ previewData: PreviewData }>,
): void {
  program
    .command("data")
    .description("show a recipe's rows as the model sees them: what is trained on, lengths, dropped rows")
    .argument("<recipe>", "YAML file of a recipe")
    .option("--rows <n>", "rows to show", numberParser({ least: 0, whole: true }), 3)
    .addOption(setOption())
    .addOption(jsonOption())
    .action(async (path: string, { rows, set, json }: Options) => {
      const { loadPlugins, loadRecipe } = await import("../../config/index.ts");
      await loadPlugins(path, { set });
      const recipe = loadRecipe(path, { set });
      await context.startEngine();
      const { previewData } = await load();
      const preview = await previewData(recipe, { rows });
      if (json) context.json(preview);
      else context.result(dataPreviewText(preview, context.tableStyle));
    });
}
