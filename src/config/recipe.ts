import { existsSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { stringify } from "yaml";
import type { z } from "zod";
import { safeParseOptions } from "../adapters/check-options.ts";
import type { AdapterConfig } from "../adapters/core/method.ts";
import { adapterSchema, listMethods, methodNamed } from "../adapters/registry.ts";
import { downloadHint, modelPath } from "../download/index.ts";
import { ConfigError, formatKeyPath } from "../schema/config-error.ts";
import type { IssueText, KeyPath, ReportIssue } from "../schema/config-issue.ts";
import { formatFoundValue } from "../schema/format-value.ts";
import { translateIssues, unknownKeyIssues } from "../schema/translate-issues.ts";
import { expandHome } from "../util/expand-home.ts";
import { nearestPath } from "../util/nearest-path.ts";
import { statsOf } from "../util/read-file.ts";
import { checkAcrossKeys } from "./cross-checks.ts";
import { type DataConfig, type DataSource, dataSchema } from "./data-section.ts";
import { KeyPlaces } from "./key-places.ts";
import { type ModelConfig, modelSchema } from "./model-section.ts";
import { checkPlugins, pluginsHelp } from "./plugins.ts";
import { type RawSections, type SectionName, sectionJsonSchema, sectionNames } from "./recipe-sections.ts";
import { type RecipeSource, readRecipeSource, recipeSourceFromObject } from "./recipe-source.ts";
import { type RunConfig, runSchema } from "./run-section.ts";
import { resolveTrain, type TrainConfig, trainSchema } from "./train-section.ts";

/** A checked recipe: every default filled in, every path absolute. */
export interface Recipe {
  /** Modules whose methods the recipe uses; absent where there are none. */
  plugins?: readonly string[];
  model: ModelConfig;
  adapter: AdapterConfig;
  data: DataConfig;
  train: TrainConfig;
  run: RunConfig;
}

export interface RecipeOptions {
  /** Overrides `section.key=value`, the value in YAML; later ones win. */
  set?: readonly string[];
  /** Folder that relative paths start from; the current one by default. */
  cwd?: string;
  /** Whether the data files must exist (the default); a finished run can be used without them. */
  needsData?: boolean;
}

/**
 * Reads and checks a recipe file.
 * A recipe with `plugins` needs `loadPlugins` first.
 * @throws ConfigError (exit code 2) with every problem: unknown keys with the nearest known one, wrong values, keys that
 * exclude each other, and files that do not exist
 */
export function loadRecipe(path: string, options: RecipeOptions = {}): Recipe {
  const name = basename(path, extname(path));
  return checkSource(readRecipeSource(path, options.set ?? []), name, options);
}

/** Checks a recipe given as a plain object; `name` is used for the file in messages and in the run's name. */
export function parseRecipe(value: unknown, options: RecipeOptions & { name?: string } = {}): Recipe {
  const name = options.name ?? "recipe";
  return checkSource(recipeSourceFromObject(name, value, options.set ?? []), name, options);
}

/** A checked recipe as YAML; reading it again gives the same recipe. */
export function recipeToYaml(recipe: Recipe): string {
  return stringify(recipe);
}

function checkSource(
  source: RecipeSource,
  name: string,
  { cwd = process.cwd(), needsData = true }: RecipeOptions,
): Recipe {
  const issues = [...source.issues];
  const report: ReportIssue = (path, issue) =>
    issues.push({ where: source.where(path), key: formatKeyPath(path), path, ...issue });
  const raw = readSections(source, report);
  const reportAsWritten: ReportIssue = (path, issue) => {
    const isKey = issue.problem === "unknown key";
    report(path, isKey ? issue : { ...issue, found: source.numberText(path) ?? issue.found });
  };
  const parse = <T>(section: SectionName, schema: z.ZodType<T>) =>
    parseSection(section, schema, raw, reportAsWritten);
  const plugins = checkPlugins(source, cwd, report);
  const model = parse("model", modelSchema);
  const section = parse("adapter", adapterSchema());
  const data = parse("data", dataSchema);
  const train = parse("train", trainSchema());
  const run = parse("run", runSchema);
  for (const { path, ...issue } of checkAcrossKeys(raw)) report(path, issue);
  if (model) model.path = resolveModelPath(cwd, model.path, report);
  const adapter = section && withAbsoluteFrom(section, cwd, report);
  if (data && needsData) checkDataPaths(cwd, data, report);
  if (issues.length > 0 || !model || !adapter || !data || !train || !run) {
    throw new ConfigError(source.name, issues);
  }
  const folder = resolve(cwd, expandHome(run.folder));
  const runName = run.name ?? unusedRunName(folder, `${name}-${adapter.method}`);
  return {
    ...(plugins.length > 0 && { plugins }),
    model: { ...model, quantization: model.quantization ?? defaultQuantization(adapter.method) },
    adapter,
    data,
    train: resolveTrain(train, adapter.method),
    run: { ...run, name: runName, folder },
  };
}

const defaultQuantization = (method: string) => (methodNamed(method)?.quantises ? "nf4" : "none");

function readSections(source: RecipeSource, report: ReportIssue): RawSections {
  const { value } = source;
  const raw: RawSections = { model: {}, adapter: {}, data: {}, train: {}, run: {} };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const expected = `sections ${sectionNames.join(", ")}, each with keys and values`;
    throw new ConfigError(source.name, [
      { where: source.where([]), key: "recipe", problem: "is no recipe", expected, found: kindOf(value) },
    ]);
  }
  if ("recipes" in value)
    throw new ConfigError(source.name, [
      {
        where: source.where(["recipes"]),
        key: "recipes",
        problem: "this is a plan of several recipes",
        fix: `\`npx scalora compare ${source.name}\` runs it`,
      },
    ]);
  const issueOf = unknownKeyIssues([pluginsHelp.key, ...sectionNames]);
  const misplaced = misplacedKeys();
  for (const [key, section] of Object.entries(value)) {
    if (isSection(key)) raw[key] = section ?? {};
    else if (key !== pluginsHelp.key) report([key], misplaced(key, issueOf(key)));
  }
  return raw;
}

/** Gives an unknown key's issue where it belongs, if that is in another section. */
function misplacedKeys(section?: SectionName): (key: string, issue: IssueText) => IssueText {
  let places: KeyPlaces | undefined;
  return (key, issue) => {
    places ??= new KeyPlaces();
    const meant = places.elsewhere(key, section);
    return meant === undefined ? issue : { ...issue, fix: `did you mean ${meant}?` };
  };
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? `a list of ${value.length}` : formatFoundValue(value);
}

const isSection = (key: string): key is SectionName => sectionNames.some((name) => name === key);

function parseSection<T>(
  section: SectionName,
  schema: z.ZodType<T>,
  raw: RawSections,
  report: ReportIssue,
): T | undefined {
  const value = raw[section];
  const result = section === "adapter" ? safeParseOptions(schema, value) : schema.safeParse(value);
  if (result.success) return result.data;
  const node = sectionJsonSchema(section);
  const found = translateIssues(result.error.issues, node, raw[section]);
  const misplaced = misplacedKeys(section);
  for (const { path, ...issue } of [...found, ...issuesOfAllMethods(section, schema, raw)]) {
    const [key] = path;
    const isUnknown = issue.problem === "unknown key" && path.length === 1;
    report([section, ...path], isUnknown ? misplaced(String(key), issue) : issue);
  }
  return undefined;
}

/** Where no known method is given, what is wrong with the other keys whichever is meant. */
function issuesOfAllMethods(section: SectionName, schema: z.ZodType, raw: RawSections) {
  const { adapter } = raw;
  if (section !== "adapter" || typeof adapter !== "object" || adapter === null) return [];
  if ("method" in adapter && methodNamed(String(adapter.method)) !== undefined) return [];
  const node = sectionJsonSchema(section);
  const [first = [], ...others] = listMethods().map(({ name: method }) => {
    const meant = { ...adapter, method };
    const { error } = safeParseOptions(schema, meant);
    return error === undefined ? [] : translateIssues(error.issues, node, meant);
  });
  const keys = others.map((issues) => new Set(issues.map(({ path }) => formatKeyPath(path))));
  return first.filter(({ path }) => keys.every((each) => each.has(formatKeyPath(path))));
}

function checkDataPaths(cwd: string, data: DataConfig, report: ReportIssue): void {
  const check = (sources: DataSource[], key: string) => {
    for (const source of sources) source.path = resolvePath(cwd, source.path, ["data", key], report);
  };
  check(data.train, "train");
  if (Array.isArray(data.eval)) check(data.eval, "eval");
}

/** The folder of `adapter.from` by its absolute path. */
function withAbsoluteFrom(adapter: AdapterConfig, cwd: string, report: ReportIssue): AdapterConfig {
  const { from } = adapter;
  if (typeof from !== "string") return adapter;
  return { ...adapter, from: resolvePath(cwd, from, ["adapter", "from"], report) };
}

/** The path of a model's folder or file, or of a fetched model of that name; a path that exists wins. */
function resolveModelPath(cwd: string, path: string, report: ReportIssue): string {
  return resolvePath(cwd, modelPath(path, cwd), ["model", "path"], report, downloadHint(path, { cwd }));
}

/** The absolute path; a report, with the nearest name in that folder, when nothing is there. */
function resolvePath(cwd: string, path: string, key: KeyPath, report: ReportIssue, hint?: string): string {
  const absolute = resolve(cwd, expandHome(path));
  const isFolder = key[0] !== "data";
  const stats = statsOf(absolute);
  // A model may be a file too (GGUF).
  const isRight = key[0] === "model" || stats?.isDirectory() === isFolder;
  if (stats === undefined || !isRight) {
    const near = nearestPath(path, isFolder ? { cwd } : { cwd, endings: dataEndings });
    report(key, {
      problem: stats === undefined ? "does not exist" : "is of the wrong kind",
      expected: expectedAt(key),
      found: absolute,
      fix: near === undefined || stats !== undefined ? hint : `did you mean ${near}?`,
    });
  }
  return absolute;
}

function expectedAt([section]: KeyPath): string {
  if (section === "model") return "a model folder, a GGUF file or the name of a fetched model";
  return section === "data" ? "a file" : "a folder";
}

/** Endings of the files that rows are read from. */
const dataEndings = [".jsonl", ".json", ".csv", ".tsv", ".txt", ".parquet"];

/** `base`, or `base-2`, `base-3`, … when a run of that name exists, without characters that a run's name may not have. */
export function unusedRunName(
  folder: string,
  base: string,
  isTaken: (path: string) => boolean = existsSync,
): string {
  const clean = base.replaceAll(/[^\p{L}\p{N}._+=-]/gu, "-").replace(/^[^\p{L}\p{N}]+/u, "");
  let name = clean;
  for (let i = 2; isTaken(join(folder, name)); i++) name = `${clean}-${i}`;
  return name;
}
