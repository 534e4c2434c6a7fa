import { type Document, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { messageOf } from "./errors.ts";
import { maxNesting } from "./nesting.ts";

/** Values of a document, each as often as aliases repeat it. */
const maxValues = 100_000;

/** What a YAML text holds. */
export interface YamlText {
  readonly value: unknown;
  readonly contents: Document["contents"];
  lineAt(offset: number): number;
}

/** What is wrong with a YAML text, by line. */
export class YamlError extends Error {
  readonly problems: readonly { readonly line: number; readonly problem: string }[];

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
  try {
    // The library compares each key with all others; `repeatedKeys` looks each up.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
    const errors = document.errors.map(({ pos: [offset], code, message }) => ({
      line: lineAt(offset),
      problem: code === "RESOURCE_EXHAUSTION" ? tooDeep : message,
    }));
    const repeated = repeatedKeys(document).map((offset) => ({
      line: lineAt(offset),
      problem: "Map keys must be unique",
    }));
    if (errors.length + repeated.length > 0) throw new YamlError([...errors, ...repeated]);
    const value: unknown = document.toJS();
    countValues(value, maxNesting, { left: maxValues });
    return { value, contents: document.contents, lineAt };
  } catch (error) {
    if (error instanceof YamlError) throw error;
    const problem = error instanceof RangeError ? tooDeep : messageOf(error);
    throw new YamlError([{ line: 1, problem }]);
  }
}

const tooDeep = `lists and sections more than ${maxNesting} deep, or an alias within its own anchor`;

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
