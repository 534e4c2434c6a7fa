import { type Document, isAlias, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { messageOf } from "./errors.ts";
import { maxNesting } from "./nesting.ts";

/** Values of a document, each as often as aliases repeat it. */
const maxValues = 100_000;

/** Aliases of one anchor, each counted as often as other aliases repeat it. */
const maxAliases = 100;

/** What a YAML text holds. */
export interface YamlText {
  readonly value: unknown;
  readonly contents: Document["contents"];
  lineAt(offset: number): number;
}

/** One thing that is wrong, and what to do about it. */
interface YamlProblem {
  readonly line: number;
  readonly problem: string;
  readonly fix: string;
}

/** What is wrong with a YAML text, by line. */
export class YamlError extends Error {
  readonly problems: readonly YamlProblem[];

  constructor(problems: YamlError["problems"]) {
    super(problems[0]?.problem);
    this.problems = problems;
  }
}

/**
 * Parses a YAML text. Aliases may neither contain themselves nor multiply.
 * @throws YamlError with every problem
 */
export function parseYaml(text: string): YamlText {
  const lines = new LineCounter();
  const lineAt = (offset: number) => lines.linePos(offset).line;
  let aliasOffset = 0;
  try {
    // The library compares each key with all others; `repeatedKeys` looks each up.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
    const errors = document.errors.map(({ pos: [offset], code, message }) => ({
      line: lineAt(offset),
      problem: code === "RESOURCE_EXHAUSTION" ? tooDeep : message,
      fix: code === "RESOURCE_EXHAUSTION" ? writeOut : correct,
    }));
    const repeated = repeatedKeys(document).map((offset) => ({
      line: lineAt(offset),
      problem: "Map keys must be unique",
      fix: "keep one of them",
    }));
    const unknown = unknownAliases(document).map(({ offset, name }) => ({
      line: lineAt(offset),
      problem: `an alias *${name} with no anchor &${name} before it`,
      fix: `put &${name} before the value that is meant, or quote the text: "*${name}"`,
    }));
    const problems = [...errors, ...repeated, ...unknown];
    if (problems.length > 0) throw new YamlError(problems);
    aliasOffset = firstAlias(document);
    const value: unknown = document.toJS({ maxAliasCount: maxAliases });
    countValues(value, maxNesting, { left: maxValues });
    return { value, contents: document.contents, lineAt };
  } catch (error) {
    if (error instanceof YamlError) throw error;
    const problem = error instanceof RangeError ? tooDeep : messageOf(error);
    const isAliases = problem.startsWith("Excessive alias count");
    throw new YamlError([
      {
        line: Math.max(lineAt(aliasOffset), 1),
        problem: isAliases ? tooManyAliases : problem,
        fix: writeOut,
      },
    ]);
  }
}

const tooDeep = `lists and sections more than ${maxNesting} deep, or an alias within its own anchor`;

const tooManyAliases = `more than ${maxAliases} aliases of an anchor, those within it counted as often as they are repeated`;
const writeOut = "write the values out where aliases or deep nesting stand for them";
const correct = "correct the line: indentation, quotes, brackets, and a space after each colon";

/** Where the first alias is; 0 without one. */
function firstAlias(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias(_key, { range }) {
      offset = range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

/** Aliases of anchors that are not in the text before them. */
function unknownAliases(document: Document): { offset: number; name: string }[] {
  const anchors = new Set<string>();
  const unknown: { offset: number; name: string }[] = [];
  visit(document, (_key, node) => {
    if (isAlias(node) && !anchors.has(node.source))
      unknown.push({ offset: node.range?.[0] ?? 0, name: node.source });
    else if (isNode(node) && "anchor" in node && typeof node.anchor === "string") anchors.add(node.anchor);
  });
  return unknown;
}

/** Where a section has a key for the second time. */
function repeatedKeys(document: Document): number[] {
  const offsets: number[] = [];
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) offsets.push(key.range?.[0] ?? 0);
        seen.add(key.value);
      }
    },
  });
  return offsets;
}

/** @throws Error for values nested too deeply, or too many of them */
function countValues(value: unknown, levels: number, budget: { left: number }): void {
  if (--budget.left < 0) throw new Error(`more than ${maxValues} values: aliases that repeat each other`);
  if (typeof value !== "object" || value === null) return;
  if (levels === 0) throw new Error(tooDeep);
  for (const item of Object.values(value)) countValues(item, levels - 1, budget);
}
