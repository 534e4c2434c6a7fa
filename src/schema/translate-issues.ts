import type { z } from "zod";
import { isRecord } from "../util/json.ts";
import { nameFinder, nearestName } from "../util/nearest-name.ts";
import { valueAt } from "../util/value-at.ts";
import { formatKeyPath } from "./config-error.ts";
import type { IssueText, KeyIssue, KeyPath } from "./config-issue.ts";
import { formatFoundValue } from "./format-value.ts";
import { constString, expectedText, isNode, joinWithOr, type SchemaNode } from "./json-schema-node.ts";
import { isOtherToolValue, knownKeyFinder } from "./other-tool-keys.ts";

/** The known value that was probably meant; of one that exists elsewhere, plainly that it is not there. */
function suggestValue(found: unknown, known: readonly string[]): { problem?: string; fix?: string } {
  if (typeof found !== "string") return {};
  if (isOtherToolValue(found)) return { problem: `${found} is not supported (yet)` };
  const meant = nearestName(found, known);
  return meant === undefined ? {} : { fix: `did you mean ${meant}?` };
}

/** Of a key like `lr:0.1`, which YAML reads where the space is missing, how to write it. */
function spaceFix(key: string): string | undefined {
  const [, name, value] = /^([\w-]+):(?!\/\/|\\)(\S.*)$/.exec(key) ?? [];
  return name === undefined ? undefined : `write a space after the colon: ${name}: ${value}`;
}

/** The same of a value that should be a section: a text `lr:0.1`, or a section with such a key. */
function suggestSpace(node: SchemaNode | undefined, found: unknown): { fix?: string } {
  const texts = isRecord(found) ? Object.keys(found) : typeof found === "string" ? [found] : [];
  const [fix] = isSection(node) ? texts.flatMap((text) => spaceFix(text) ?? []) : [];
  return fix === undefined ? {} : { fix };
}

const isSection = (node: SchemaNode | undefined): boolean =>
  node?.type === "object" || (node?.anyOf ?? []).some((branch) => isNode(branch) && isSection(branch));

/** The issue of any unknown key where `known` ones may be, with the known key that was probably meant. */
export function unknownKeyIssues(known: readonly string[]): (key: string) => IssueText {
  const expected = known.length === 0 ? "no key here" : joinWithOr(known);
  const [knownAs, nearest] = [knownKeyFinder(known), nameFinder(known)];
  return (key) => {
    const meant = knownAs(key) ?? nearest(key);
    const fix = spaceFix(key) ?? (meant === undefined ? undefined : `did you mean ${meant}?`);
    return { problem: "unknown key", expected, found: key, fix };
  };
}

type Issue = z.core.$ZodIssue;

/** A section's zod issues in our words; `root` is the section's JSON schema and `raw` what was given. */
export function translateIssues(issues: readonly Issue[], root: SchemaNode, raw: unknown): KeyIssue[] {
  const branch = branchFor(root, raw);
  const ofOtherMethods = new Set((root.oneOf ?? []).flatMap((each) => (isNode(each) ? keysOf(each) : [])));
  const found = issues
    .flatMap((issue) => translate(issue, branch, raw, []))
    .map((issue) => explainOtherMethodKey(issue, ofOtherMethods, valueAt(raw, ["method"])));
  // Several of zod's checks may fail on one value; our message already covers all of them.
  return [
    ...new Map(found.toReversed().map((issue) => [formatKeyPath(issue.path), issue])).values(),
  ].toReversed();
}

/** A key that only other methods have is no misspelling. */
function explainOtherMethodKey(
  issue: KeyIssue,
  ofOtherMethods: ReadonlySet<string>,
  method: unknown,
): KeyIssue {
  const [key] = issue.path;
  const isTheirs = issue.path.length === 1 && ofOtherMethods.has(String(key));
  if (issue.problem !== "unknown key" || !isTheirs) return issue;
  const fix = `method ${String(method)} has no ${String(key)}: take it out, or give the whole section (on the command line --set adapter='{method: ${String(method)}}')`;
  return { ...issue, fix };
}

function translate(issue: Issue, root: SchemaNode, raw: unknown, prefix: KeyPath): KeyIssue[] {
  const path = [...prefix, ...issue.path.filter((part) => typeof part !== "symbol")];
  const { node, parent } = nodesAt(root, path);
  if (issue.code === "unrecognized_keys") {
    const known = node === undefined ? [] : keysOf(node);
    const issueOf = unknownKeyIssues(known);
    return issue.keys.map((key) => ({ path: [...path, key], ...issueOf(key) }));
  }
  if (issue.code === "invalid_union") {
    if (issue.discriminator !== undefined) return [wrongMethod(path, root, valueAt(raw, path))];
    const inside = issue.errors.filter((errors) => errors.every((error) => error.path.length > 0));
    const [only, ...others] = inside;
    if (only !== undefined && others.length === 0)
      return only.flatMap((error) => translate(error, root, raw, path));
  }
  const isPlain = node !== undefined && (node.anyOf === undefined || node["expects"] !== undefined);
  return [{ path, ...wrongValue(isPlain ? node : parent, valueAt(raw, path)) }];
}

function wrongValue(node: SchemaNode | undefined, found: unknown): IssueText {
  const text = node === undefined ? undefined : expectedText(node, found);
  const isEndless = typeof found === "number" && !Number.isFinite(found);
  const expected = isEndless ? text?.replace(/^a number/, "a finite number") : text;
  if (found === undefined) return { problem: "is missing", expected };
  const refusal = node?.["refusal"];
  if (typeof refusal === "string")
    return { problem: `refused: ${refusal}`, expected, found: formatFoundValue(found) };
  return {
    problem: "wrong value",
    expected,
    found: formatFoundValue(found),
    ...suggestSpace(node, found),
    ...suggestList(node, found),
    ...suggestValue(found, knownValues(node)),
  };
}

/** The texts that a node takes by name, those of its alternatives included. */
const knownValues = (node: SchemaNode | undefined): string[] => [
  ...(node?.enum ?? []).map(String),
  ...(node?.anyOf ?? []).flatMap((branch) => constString(branch) ?? []),
];

/** Where a list is expected and a text found, the list of what the text names. */
function suggestList(node: SchemaNode | undefined, found: unknown): { fix?: string } {
  const list = [node, ...(node?.anyOf ?? [])].find((each) => isNode(each) && each.type === "array");
  if (typeof found !== "string" || !isNode(list) || !isNode(list.items)) return {};
  const { type, enum: known } = list.items;
  if (type !== "string") return {};
  // Only names are separated by commas or spaces; a text may hold them.
  const areNames = known !== undefined || list.items["expects"] !== undefined;
  const names = areNames ? found.split(/[\s,]+/).filter((name) => name !== "") : [found];
  const meant = known === undefined ? names : names.map((name) => nearestName(name, known.map(String)));
  if (names.length === 0 || meant.includes(undefined)) return {};
  return { fix: `write a list: [${meant.map(inFlowList).join(", ")}]` };
}

/** A text as an item of a YAML list in brackets. */
const inFlowList = (text = "") => (/^[\w/][\w./-]*$/.test(text) ? text : JSON.stringify(text));

function wrongMethod(path: KeyPath, root: SchemaNode, found: unknown): KeyIssue {
  const names = (root.oneOf ?? []).flatMap((branch) =>
    isNode(branch) ? (constString(branch.properties?.["method"]) ?? []) : [],
  );
  return {
    path,
    problem: found === undefined ? "is missing" : "unknown method",
    expected: joinWithOr(names),
    found: found === undefined ? undefined : formatFoundValue(found),
    ...(found !== undefined && { fix: "of a method of your own, name the module in plugins" }),
    ...suggestValue(found, names),
  };
}

/** Returns the branch of the given method if the node is a union over `method`, and the node itself otherwise. */
function branchFor(root: SchemaNode, raw: unknown): SchemaNode {
  const method = valueAt(raw, ["method"]);
  const branch = root.oneOf?.find(
    (each) => isNode(each) && constString(each.properties?.["method"]) === method,
  );
  return isNode(branch) ? branch : root;
}

/** The schema node of a key path, and its deepest ancestor that has a description of valid values. */
function nodesAt(
  root: SchemaNode,
  path: KeyPath,
): { node: SchemaNode | undefined; parent: SchemaNode | undefined } {
  let node: SchemaNode | undefined = root;
  let parent: SchemaNode | undefined;
  for (const part of path) {
    if (node?.["expects"] !== undefined) parent = node;
    node = node === undefined ? undefined : childOf(node, part);
  }
  return { node, parent };
}

/** The keys that a node, or any alternative of it, knows. */
function keysOf(node: SchemaNode): string[] {
  const inBranches = (node.anyOf ?? []).flatMap((branch) => (isNode(branch) ? keysOf(branch) : []));
  return [...Object.keys(node.properties ?? {}), ...inBranches];
}

function childOf(node: SchemaNode, part: string | number): SchemaNode | undefined {
  const own = typeof part === "number" ? node.items : (node.properties?.[part] ?? node.additionalProperties);
  if (isNode(own) && !Array.isArray(own)) return own;
  for (const branch of node.anyOf ?? []) {
    const child = isNode(branch) ? childOf(branch, part) : undefined;
    if (child !== undefined) return child;
  }
  return undefined;
}
