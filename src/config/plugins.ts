import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { Method } from "../adapters/core/method.ts";
import { methodNamed, registerMethod } from "../adapters/registry.ts";
import { ConfigError, formatKeyPath } from "../schema/config-error.ts";
import type { ConfigIssue, KeyPath, ReportIssue } from "../schema/config-issue.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { statsOf } from "../util/read-file.ts";
import { shellQuote } from "../util/shell-quote.ts";
import { isKnownPlugin, rememberPlugin, trustVariable } from "./known-plugins.ts";
import { type RecipeSource, readRecipeSource } from "./recipe-source.ts";

/** Key `plugins` of a recipe. */
const pluginsSchema = z.array(z.string().min(1));

/** What is wrong with a module that has to be loaded first. */
export const notLoaded = "is not loaded";

/** Modules whose methods are registered, by their absolute paths. */
const loaded = new Set<string>();

/**
 * Imports the modules that a recipe names in `plugins` and registers the methods that they export; to be called before
 * `loadRecipe`. Each is imported once. An invalid list is left to `loadRecipe`, which reports all problems at once.
 * @param options `set`: overrides, as of `loadRecipe`; `cwd`: folder that relative paths start from, the current one by default
 * @throws ConfigError for a module that cannot be imported or exports no method; ScaloraError `config` naming a method that
 * cannot be registered
 */
export async function loadPlugins(
  path: string,
  options: { readonly set?: readonly string[] | undefined; readonly cwd?: string } = {},
): Promise<void> {
  const { set = [], cwd = process.cwd() } = options;
  await loadPluginsOf(readRecipeSource(path, set), cwd);
}

/** `loadPlugins` for a recipe that has been read. */
export async function loadPluginsOf(source: RecipeSource, cwd: string): Promise<void> {
  for (const { file, key } of pluginFiles(source, cwd)) {
    rememberPlugin(file);
    if (!loaded.has(file)) await loadPlugin(file, source, key);
  }
}

/**
 * `loadPlugins` for the `config.yaml` of a run, which others may have sent.
 * @throws ScaloraError `usage` for a plug-in that no recipe has named on this machine, as it is and where it is, and as `loadPlugins`
 */
export async function loadPluginsOfRun(config: string): Promise<void> {
  const source = readRecipeSource(config, []);
  for (const { file, key } of pluginFiles(source, process.cwd())) {
    if (loaded.has(file)) continue;
    if (!isKnownPlugin(file))
      throw new ScaloraError("usage", "This run names a plug-in that no recipe has named here as it is", {
        where: source.where(key),
        found: file,
        fix: `a plug-in runs with your rights: read it; if you trust it, run \`npx scalora check ${shellQuote(config)}\` once, or set ${trustVariable}=1`,
      });
    await loadPlugin(file, source, key);
  }
}

/** The plug-ins that are there. */
function pluginFiles(source: RecipeSource, cwd: string): { file: string; key: KeyPath }[] {
  const { data = [] } = pluginsSchema.safeParse(pluginsOf(source));
  return data
    .map((plugin, index) => ({ file: resolve(cwd, plugin), key: ["plugins", index] }))
    .filter(({ file }) => isFile(file));
}

async function loadPlugin(file: string, source: RecipeSource, key: KeyPath): Promise<void> {
  const fail = (issue: Pick<ConfigIssue, "problem" | "expected" | "found">) =>
    new ConfigError(source.name, [{ where: source.where(key), key: formatKeyPath(key), ...issue }]);
  let exported: object;
  try {
    exported = await import(pathToFileURL(file).href);
  } catch (error) {
    if (error instanceof ScaloraError) throw error;
    throw fail({ problem: `${file} cannot be imported`, found: messageOf(error) });
  }
  const methods = Object.values(exported).filter(isMethod);
  if (methods.length === 0)
    throw fail({ problem: `${file} exports no method`, expected: "an export with a schema and attach()" });
  for (const method of methods) if (methodNamed(method.name) !== method) registerMethod(method);
  loaded.add(file);
}

/** Whether an export is meant to be a method; `registerMethod` reports what is wrong with it. */
const isMethod = (value: unknown): value is Method =>
  isRecord(value) && "attach" in value && "schema" in value;

/** The absolute paths of a recipe's plugins; a report for each that is no file, or was not loaded. */
export function checkPlugins(source: RecipeSource, cwd: string, report: ReportIssue): string[] {
  const value = pluginsOf(source);
  const { data } = pluginsSchema.safeParse(value);
  if (data === undefined) {
    if (value !== undefined) report(["plugins"], { problem: "wrong value", expected: pluginsHelp.expects });
    return [];
  }
  return data.map((plugin, index) => {
    const file = resolve(cwd, plugin);
    if (!isFile(file))
      report(["plugins", index], {
        problem: "does not exist",
        expected: "a module",
        found: file,
        fix: "correct its path (of a run that came from elsewhere, in its config.yaml); the methods that it has are unknown until then",
      });
    else if (!loaded.has(file))
      report(["plugins", index], {
        problem: notLoaded,
        found: file,
        fix: "call loadPlugins() with the recipe's file first",
      });
    return file;
  });
}

const isFile = (path: string) => statsOf(path)?.isFile() === true;

const pluginsOf = ({ value }: RecipeSource): unknown => (isRecord(value) ? value["plugins"] : undefined);

/** The help text of the key `plugins`, which is outside the sections. */
export const pluginsHelp = {
  key: "plugins",
  expects: "a list of paths of modules (.mjs, .js or .ts)",
  description:
    "Modules of your own, run as code before the recipe is checked: every method that one exports can be used (docs/adapters.md)",
} as const;
