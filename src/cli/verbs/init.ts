import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename, extname } from "node:path";
import type { Command } from "commander";
import { cachedModelPath, listedModels, quickstartModel } from "../../download/index.ts";
import type { DraftRecipe } from "../../recipes/draft-recipe.ts";
import { messageOf } from "../../util/errors.ts";
import { escapeName } from "../../util/quote.ts";
import { shellQuote } from "../../util/shell-quote.ts";
import { jsonOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { usageError } from "../usage-error.ts";

interface Options {
  model?: string;
  data?: string;
  out: string;
  json?: boolean;
}

/** `scalora init`: writes a commented recipe for a model and a data file. */
export function addInit(
  program: Command,
  context: Context,
  load: () => Promise<{ draftRecipe: DraftRecipe }>,
): void {
  program
    .command("init")
    .description("write a commented recipe for a model and a data file, whose format is recognised")
    .option(
      "--model <model>",
      "model folder, GGUF file or name of a fetched model (default: the one that is fetched)",
    )
    .option("--data <file>", "file of rows (default: the only one in this folder)")
    .option("--out <file>", "recipe to write; it must not exist", "recipe.yaml")
    .addOption(jsonOption())
    .action(async ({ model = fetchedModel(context.env), data = onlyDataFile(), out, json }: Options) => {
      if (existsSync(out))
        throw usageError(`${out} already exists`, "a new file", "choose another with --out");
      await context.startEngine();
      const { draftRecipe } = await load();
      const draft = await draftRecipe({ model, data, name: basename(out, extname(out)) });
      await checkDraft(draft.text, out);
      writeNew(out, draft.text);
      const { format, reason } = draft;
      const next = ["data", "check", "train"].map((verb) => `npx scalora ${verb} ${shellQuote(out)}`);
      if (json) return context.json({ recipe: out, model, data, format, reason, next });
      context.result(
        [
          `${escapeName(out)} trains ${escapeName(model)} on ${escapeName(data)}`,
          `  format ${format}: ${escapeName(reason)}`,
          "",
          context.paintOut("bold", "Try next:"),
          ...next.map((command) => `  ${command}`),
        ].join("\n"),
      );
    });
}

/** Checks the draft with the recipe's schema, as a file of that name. */
async function checkDraft(text: string, out: string): Promise<void> {
  const [{ parse }, { parseRecipe }] = await Promise.all([import("yaml"), import("../../config/index.ts")]);
  parseRecipe(parse(text), { name: basename(out, extname(out)) });
}

/** Writes a file that must not exist yet. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    throw usageError(
      `The recipe cannot be written: ${messageOf(error)}`,
      "a new file in a folder that exists",
    );
  }
}

/** The quickstart's model, or else the first of the list that is fetched. */
function fetchedModel(env: NodeJS.ProcessEnv): string {
  const names = [quickstartModel, ...listedModels.map(({ name }) => name)];
  const found = names.find((name) => cachedModelPath(name, env) !== undefined);
  if (found !== undefined) return found;
  throw usageError(
    "init needs a model",
    "--model with a model folder, a GGUF file or the name of a fetched model",
    `\`npx scalora get ${quickstartModel}\` fetches a small chat model`,
  );
}

function onlyDataFile(): string {
  const files = readdirSync(".").filter((name) => /\.(jsonl|parquet|csv|tsv|txt)$/i.test(name));
  const [only, ...others] = files;
  if (only !== undefined && others.length === 0) return only;
  const found = only === undefined ? "there is none in this folder" : `this folder has ${files.join(", ")}`;
  throw usageError(
    `init needs a data file: ${found}`,
    "--data FILE (.jsonl, .json, .parquet, .csv, .tsv or .txt)",
  );
}
