import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import {
  loadPluginsOf,
  notLoaded,
  parseRecipe,
  type Recipe,
  recipeSourceFromObject,
} from "../config/index.ts";
import { KeyPlaces } from "../config/key-places.ts";
import { draftRecipe } from "../recipes/draft-recipe.ts";
import { ConfigError } from "../schema/config-error.ts";
import { isRecord } from "../util/json.ts";
import type { TrainJob, WrittenRecipe } from "./messages.ts";

/** The name of the options in messages. */
const name = "fineTune()";

type Section = Readonly<Record<string, unknown>>;

/**
 * The recipe of a job, checked. What the options leave out of `model` and `data` is as `scalora init` writes it for this model and
 * these rows, so that prompts of a chat model are put into its template.
 * @param files paths of rows that were sent, by the key of `data`
 * @throws ConfigError with every problem of the options
 */
export async function recipeToTrain(job: TrainJob, files: Readonly<Record<string, string>>): Promise<Recipe> {
  const { cwd } = job;
  const data = { ...section(job.recipe, "data"), ...files };
  const written = { ...job.recipe, data };
  await loadPluginsOf(recipeSourceFromObject(name, written, []), cwd);
  const checked = inWordsOfOptions(() => parseRecipe(written, { name, cwd }));
  const drafted = await draft(checked);
  const model = { ...drafted.model, ...section(job.recipe, "model") };
  return parseRecipe({ ...written, model, data: { ...drafted.data, ...data } }, { name, cwd });
}

/**
 * Checks what can be checked before a thread is started and libtorch loaded, which takes seconds. Methods of plugins are known in
 * the thread only.
 * @param options.rows those that stand for files, by their key; any file stands for them here, since they are in none yet
 * @throws ConfigError with every problem of the options
 */
export function checkOptions({
  recipe,
  rows,
  cwd,
}: {
  readonly recipe: WrittenRecipe;
  readonly rows: Readonly<Record<string, unknown>>;
  readonly cwd: string;
}): void {
  const files = Object.keys(rows).map((key) => [key, fileURLToPath(import.meta.url)]);
  const written = { ...recipe, data: { ...section(recipe, "data"), ...Object.fromEntries(files) } };
  inWordsOfOptions(() => recipeSourceFromObject(name, written, []));
  try {
    inWordsOfOptions(() => parseRecipe(written, { name, cwd }));
  } catch (error) {
    if (!("plugins" in recipe) || !(error instanceof ConfigError)) throw error;
    const certain = error.issues.filter(
      ({ key, problem }) => !/^method\b/.test(key) && problem !== notLoaded,
    );
    if (certain.length > 0) throw new ConfigError(name, certain);
  }
}

/** The option that has a key which was written beside the options: `train: { lr: … }`. */
export function optionWith(key: string): string | undefined {
  const [section, name] = new KeyPlaces().elsewhere(key)?.split(".") ?? [];
  if (section === undefined || name === undefined) return undefined;
  return `${section === "adapter" ? "method" : section}: { ${name}: … }`;
}

/** What `scalora init` says of a model and one file whose format is not given. */
async function draft({ model, data }: Recipe): Promise<{ model: Section; data: Section }> {
  const [file, ...others] = data.train;
  const isGiven = data.format !== undefined || data.columns !== undefined || file?.format !== undefined;
  if (file === undefined || others.length > 0 || isGiven) return { model: {}, data: {} };
  const { text } = await draftRecipe({ model: model.path, data: file.path, name: "" });
  const recipe: unknown = parse(text);
  return { model: section(recipe, "model"), data: section(recipe, "data") };
}

function section(recipe: unknown, key: string): Section {
  const value = isRecord(recipe) ? recipe[key] : undefined;
  return isRecord(value) ? value : {};
}

/** Calls the section `adapter` by the name of its option. */
function inWordsOfOptions<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const issues = error.issues.map((issue) => ({
      ...issue,
      key: issue.key.replace(/^adapter\b/, "method"),
    }));
    throw new ConfigError(name, issues);
  }
}
