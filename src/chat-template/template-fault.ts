import { Template } from "@huggingface/jinja";

/** Where a template does not parse. */
export interface TemplateFault {
  /** Counted from 1. */
  readonly line: number;
  /** The tag there, as it is written, up to the end of the line. */
  readonly tag: string;
}

/** Statements that another one closes, such as `endif`. */
const blocks: ReadonlySet<string> = new Set(["if", "for", "macro", "call", "filter", "generation"]);
/** Statements that are nothing by themselves. */
const inner: ReadonlySet<string> = new Set(["else", "break", "continue"]);

/** Characters that are shown of a tag without an end. */
const maxUnclosed = 200;

/** An expression, a statement or a comment; the beginning of one that has no end. */
const tagPattern = /\{\{([\s\S]*?)\}\}|\{%([\s\S]*?)%\}|\{#[\s\S]*?#\}|\{[{%#]/g;

/**
 * The first tag of a template that does not parse by itself, closes no block, or is never closed; the parser says only what is
 * wrong. Undefined when all tags are good by themselves.
 */
export function findTemplateFault(source: string): TemplateFault | undefined {
  const open: { name: string; fault: TemplateFault }[] = [];
  let [line, counted] = [1, 0];
  for (const { 0: tag, 1: expression, 2: statement, index } of source.matchAll(tagPattern)) {
    line += lineEnds(source.slice(counted, index));
    counted = index;
    const written = tag.length > 2 ? tag : source.slice(index, index + maxUnclosed);
    const fault = { line, tag: written.replace(/\n.*/s, "") };
    if (expression !== undefined) {
      if (!parses(tag)) return fault;
    } else if (statement !== undefined) {
      const [, name = "", rest = ""] = /^[-+]?\s*(\w*)(.*?)[-+]?$/s.exec(statement) ?? [];
      if (name.startsWith("end")) {
        if (open.pop()?.name !== name.slice(3)) return fault;
      } else if (!inner.has(name)) {
        const isBlock = blocks.has(name) || (name === "set" && !rest.includes("="));
        if (!parses(statementAlone(name, rest, isBlock))) return fault;
        if (isBlock) open.push({ name, fault });
      }
    } else if (tag.length === 2) return fault;
  }
  return open.at(-1)?.fault;
}

const lineEnds = (text: string) => text.split("\n").length - 1;

/** A statement as a template of its own. */
function statementAlone(name: string, rest: string, isBlock: boolean): string {
  if (name === "elif") return `{% if ${rest} %}{% endif %}`;
  return `{% ${name} ${rest} %}${isBlock ? `{% end${name} %}` : ""}`;
}

function parses(source: string): boolean {
  try {
    return new Template(source).parsed !== undefined;
  } catch {
    return false;
  }
}
