import { existsSync } from "node:fs";
import { extname } from "node:path";
import { isCollection, isPair, isScalar } from "yaml";
import { ConfigError, formatKeyPath } from "../schema/config-error.ts";
import type { ConfigIssue, KeyPath } from "../schema/config-issue.ts";
import { messageOf } from "../util/errors.ts";
import { codeOf } from "../util/files.ts";
import { nearestPath } from "../util/nearest-path.ts";
import { parseYaml, YamlError, type YamlText } from "../util/parse-yaml.ts";
import { readFileText } from "../util/read-file.ts";
import { shellQuote } from "../util/shell-quote.ts";
import { exclusiveKeys } from "./train-section.ts";

/** Size of a recipe; one of all keys has a few thousand bytes. */
const maxBytes = 1 << 22;

/** The values of a recipe file with its overrides, unchecked, and the place of each. */
export interface RecipeSource {
  /** The file's path, for messages. */
  readonly name: string;
  readonly value: unknown;
  /** Problems met while reading. */
  readonly issues: ConfigIssue[];
  /** `recipe.yaml:12` or `--set train.lr=x` for a key path. */
  where(path: KeyPath): string;
  /** A number as it is written, since its value may be rounded; undefined for other values, and where there is no text. */
  numberText(path: KeyPath): string | undefined;
}

/** The line of a key, or of the deepest key above it that is in the file; the value's node if the key itself is there. */
interface SourcePosition {
  text: string;
  exact: boolean;
  node?: unknown;
}

interface Override {
  option: string;
  path: KeyPath;
  value: unknown;
  /** Finds a node within the value. */
  find: (path: KeyPath) => Position;
}

/** Reads a YAML file and lays `key.path=value` overrides over it. Throws `ConfigError` when it is no YAML. */
export function readRecipeSource(path: string, overrides: readonly string[]): RecipeSource {
  const { value, contents, lineAt } = readYaml(path);
  const find = nodeFinder(contents);
  const lineOf = (key: KeyPath) => {
    const { offset, ...found } = find(key);
    return { text: offset === undefined ? path : `${path}:${lineAt(offset)}`, ...found };
  };
  return withOverrides(path, value ?? {}, overrides, lineOf);
}

/** A recipe given as a plain object, with overrides; `name` is used for the file in messages. */
export function recipeSourceFromObject(
  name: string,
  value: unknown,
  overrides: readonly string[],
): RecipeSource {
  return withOverrides(name, copyOf(name, value), overrides, () => ({ text: name, exact: false }));
}

/** @throws ConfigError naming the key of a value that no file could hold, such as a function */
function copyOf(name: string, value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    const { path, value: found } = uncopiable(value, [], new Set());
    throw new ConfigError(name, [
      {
        where: name,
        key: formatKeyPath(path) || "recipe",
        path,
        problem: "is nothing that a recipe can hold",
        expected: "texts, numbers, true and false, lists and objects of these",
        found: found instanceof Promise ? "a promise" : `a value of type ${typeof found}`,
        ...(found instanceof Promise && { fix: "await it" }),
      },
    ]);
  }
}

/** The innermost value that cannot be copied. @param seen objects that are being looked at, which may hold themselves */
function uncopiable(value: unknown, path: KeyPath, seen: Set<unknown>): { path: KeyPath; value: unknown } {
  seen.add(value);
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  for (const [key, inner] of entries) {
    if (seen.has(inner) || canBeCopied(inner)) continue;
    return uncopiable(inner, [...path, Array.isArray(value) ? Number(key) : key], seen);
  }
  return { path, value };
}

function canBeCopied(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/** Endings of files of rows, none of which is YAML. */
const rowEndings: ReadonlySet<string> = new Set([".jsonl", ".csv", ".tsv", ".parquet"]);

function readYaml(path: string): YamlText {
  if (rowEndings.has(extname(path).toLowerCase()) && existsSync(path)) throw noRecipe(path);
  try {
    return parseYaml(readFileText(path, maxBytes));
  } catch (cause) {
    if (cause instanceof YamlError)
      throw new ConfigError(
        path,
        cause.problems.map(({ line, ...what }) => ({ where: `${path}:${line}`, key: "YAML", ...what })),
      );
    const isMissing = codeOf(cause) === "ENOENT";
    throw new ConfigError(path, [
      {
        where: path,
        key: "recipe",
        problem: "cannot be read",
        expected: "a YAML file in UTF-8",
        found: isMissing ? "a path that does not exist" : messageOf(cause),
        ...(isMissing && { fix: missingFix(path) }),
      },
    ]);
  }
}

function noRecipe(path: string): ConfigError {
  return new ConfigError(path, [
    {
      where: path,
      key: "recipe",
      problem: "is a file of rows, no recipe",
      expected: "a YAML file",
      fix: `\`npx scalora init --data ${shellQuote(path)}\` writes a recipe for it`,
    },
  ]);
}

function missingFix(path: string): string {
  const near = nearestPath(path, { endings: [".yaml", ".yml", ".json"] });
  return near === undefined ? "`npx scalora init --data FILE` writes a recipe" : `did you mean ${near}?`;
}

function withOverrides(
  name: string,
  value: unknown,
  options: readonly string[],
  lineOf: (key: KeyPath) => SourcePosition,
): RecipeSource {
  const issues: ConfigIssue[] = [];
  const applied: Override[] = [];
  for (const option of options) {
    const override = parseOverride(option);
    const issue = "problem" in override ? override : applyOverride(value, override);
    if (issue !== undefined) issues.push(issue);
    else if (!("problem" in override)) applied.push(override);
  }
  removeExcludedKeys(value, applied);
  const isPrefix = (short: KeyPath, long: KeyPath) => short.every((part, i) => part === long[i]);
  const overrideOf = (path: KeyPath) => applied.findLast((each) => isPrefix(each.path, path));
  const where = (path: KeyPath) => {
    const inFile = lineOf(path);
    const override =
      overrideOf(path) ?? (inFile.exact ? undefined : applied.find((each) => isPrefix(path, each.path)));
    return override === undefined ? inFile.text : `--set ${override.option}`;
  };
  const numberText = (path: KeyPath) => {
    const override = overrideOf(path);
    const { node } = override ? override.find(path.slice(override.path.length)) : lineOf(path);
    return isScalar(node) && typeof node.value === "number" ? node.source : undefined;
  };
  return { name, value, issues, where, numberText };
}

/**
 * Removes a key of the file when an override sets the key that excludes it: `train.steps` for `train.epochs`, `batchSize` for
 * `batchTokens`, and vice versa. Two overrides that exclude each other stay and are refused later, as does one next to an
 * override of the whole section.
 */
function removeExcludedKeys(root: unknown, applied: readonly Override[]): void {
  const train = typeof root === "object" && root !== null ? Reflect.get(root, "train") : undefined;
  if (typeof train !== "object" || train === null) return;
  const isSet = (key: string) => applied.some(({ path }) => formatKeyPath(path) === key);
  if (isSet("train")) return;
  for (const pair of exclusiveKeys)
    for (const [kept, other] of [pair, pair.toReversed()])
      if (isSet(`train.${kept}`) && !isSet(`train.${other}`)) Reflect.deleteProperty(train, other);
}

/** `train.lr=1e-3` as a key path and a YAML value. */
function parseOverride(option: string): Override | ConfigIssue {
  const where = `--set ${option}`;
  const equals = option.indexOf("=");
  const path = option
    .slice(0, Math.max(equals, 0))
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  if (path.some((part) => part === "")) {
    return { where, key: "--set", problem: "wrong form", expected: "section.key=value", found: option };
  }
  try {
    const { value, contents } = parseYaml(option.slice(equals + 1));
    return { option, path, value, find: nodeFinder(contents) };
  } catch (cause) {
    const key = formatKeyPath(path);
    const fix = `write the value as YAML; a text with brackets, quotes or a colon in quotes: --set '${key}="…"'`;
    return { where, key, problem: `its value is no YAML: ${messageOf(cause)}`, fix };
  }
}

/** Puts a value into nested objects and lists, making missing sections; a report when something is in the way. */
function applyOverride(root: unknown, { option, path, value }: Override): ConfigIssue | undefined {
  let current = root;
  for (const [i, part] of path.entries()) {
    const blocked = describePathConflict(current, part);
    if (blocked !== undefined || typeof current !== "object" || current === null) {
      const key = formatKeyPath(path.slice(0, i));
      const fix = Array.isArray(current) ? undefined : wholeValueFix(key, path.slice(i), option);
      return { where: `--set ${option}`, key, problem: "cannot be set into", expected: blocked, fix };
    }
    const isLast = i === path.length - 1;
    const existing = Object.hasOwn(current, part) ? Reflect.get(current, part) : undefined;
    const next = isLast ? value : (existing ?? {});
    Object.defineProperty(current, part, {
      value: next,
      writable: true,
      enumerable: true,
      configurable: true,
    });
    current = next;
  }
  return undefined;
}

/** How to set keys inside a value that is no section: by replacing it. */
function wholeValueFix(key: string, inner: KeyPath, option: string): string {
  const value = option.slice(option.indexOf("=") + 1);
  const section = inner.reduceRight<string>((text, part) => `{${part}: ${text}}`, value);
  return `give its value as a whole: --set ${shellQuote(`${key}=${section}`)}`;
}

function describePathConflict(holder: unknown, part: string | number): string | undefined {
  if (Array.isArray(holder)) {
    const inside = typeof part === "number" && part <= holder.length;
    return inside ? undefined : `an index up to ${holder.length}`;
  }
  return typeof holder === "object" && holder !== null ? undefined : "a section (keys and values)";
}

type Position = { readonly offset: number | undefined; readonly exact: boolean; readonly node?: unknown };

/** Finds where the deepest existing node of a key path starts, and the node of the path itself. */
function nodeFinder(contents: unknown): (path: KeyPath) => Position {
  const itemsOf = new Map<unknown, ReadonlyMap<string, unknown>>();
  return (path) => {
    let node = contents;
    let offset: number | undefined;
    for (const part of path) {
      if (!isCollection(node)) return { offset, exact: false };
      const items = itemsOf.get(node) ?? itemsByKey(node.items);
      itemsOf.set(node, items);
      const item = items.get(String(part));
      if (item === undefined) return { offset, exact: false };
      offset = rangeStart(isPair(item) ? item.key : item) ?? offset;
      node = isPair(item) ? item.value : item;
    }
    return { offset, exact: true, node };
  };
}

/** The pairs of a section by their keys, the first of equal ones; the items of a list by their indexes. */
function itemsByKey(items: readonly unknown[]): ReadonlyMap<string, unknown> {
  const byKey = new Map<string, unknown>();
  for (const [index, item] of items.entries()) {
    const key = isPair(item) ? isScalar(item.key) && String(item.key.value) : String(index);
    if (key !== false && !byKey.has(key)) byKey.set(key, item);
  }
  return byKey;
}

function rangeStart(node: unknown): number | undefined {
  return isScalar(node) || isCollection(node) ? node.range?.[0] : undefined;
}
