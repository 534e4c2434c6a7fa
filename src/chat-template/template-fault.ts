import { type SyntaxNode, Template } from "@huggingface/jinja";
import { isRecord } from "../util/json.ts";

/** A place in a template. */
export interface TemplatePlace {
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

interface Tag {
  readonly index: number;
  /** As it is written; the beginning of one that has no end. */
  readonly tag: string;
  /** What is within a statement. */
  readonly statement?: string;
  readonly isClosed: boolean;
}

/** Expressions, statements and comments; the first one without an end is the last. */
function* tagsOf(source: string): Generator<Tag> {
  const starts = /\{[{%#]/g;
  for (let start = starts.exec(source); start !== null; start = starts.exec(source)) {
    const { index } = start;
    const end = tagEnd(source, index);
    if (end === undefined) {
      yield { index, tag: source.slice(index, index + maxUnclosed), isClosed: false };
      return;
    }
    const tag = source.slice(index, end);
    yield { index, tag, isClosed: true, ...(start[0] === "{%" && { statement: tag.slice(2, -2) }) };
    starts.lastIndex = end;
  }
}

/** Where a tag ends: as the parser sees it, neither within a string nor within the brackets of a mapping. */
function tagEnd(source: string, start: number): number | undefined {
  const kind = source[start + 1];
  if (kind === "#") {
    const end = source.indexOf("#}", start + 2);
    return end < 0 ? undefined : end + 2;
  }
  const pieces = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"|['"{}]|%\}/g;
  pieces.lastIndex = start + 2;
  let depth = 0;
  for (let piece = pieces.exec(source); piece !== null; piece = pieces.exec(source)) {
    const [text] = piece;
    const end = piece.index + 2;
    if (text === "'" || text === '"') return undefined;
    if (text === "%}" && kind === "%") return end;
    if (text === "{") depth += 1;
    if (text !== "}") continue;
    if (depth === 0 && kind === "{" && source[piece.index + 1] === "}") return end;
    depth = Math.max(0, depth - 1);
  }
  return undefined;
}

/**
 * The first tag of a template that does not parse by itself, closes no block, or is never closed; the parser says only what is
 * wrong. Undefined when all tags are good by themselves.
 */
export function findTemplateFault(source: string): TemplatePlace | undefined {
  const open: { name: string; fault: TemplatePlace }[] = [];
  for (const { tag, statement, isClosed, place: fault } of placedTags(source)) {
    if (!isClosed) return fault;
    if (statement === undefined) {
      if (!parses(tag)) return fault;
      continue;
    }
    const [, name = "", rest = ""] = /^[-+]?\s*(\w*)(.*?)[-+]?$/s.exec(statement) ?? [];
    if (name.startsWith("end")) {
      if (open.pop()?.name !== name.slice(3)) return fault;
    } else if (!inner.has(name)) {
      const isBlock = blocks.has(name) || (name === "set" && !rest.includes("="));
      if (!parses(statementAlone(name, rest, isBlock))) return fault;
      if (isBlock) open.push({ name, fault });
    }
  }
  return open.at(-1)?.fault;
}

/**
 * The places of the statements and expressions of a template that parses, by their nodes, which have none. Empty when the tags of
 * the source are not those of the nodes.
 */
export function templatePlaces(source: string, { parsed }: Template): ReadonlyMap<unknown, TemplatePlace> {
  const places = [...placedTags(source)].filter(isNode).map(({ place }) => place);
  const nodes = [...nodesOf(parsed)];
  if (nodes.length !== places.length) return new Map();
  return new Map(places.map((place, i) => [nodes[i], place]));
}

/** Whether `nodesOf` has a node for a tag. */
function isNode({ tag, statement }: Tag): boolean {
  if (statement !== undefined) return !/^[-+]?\s*(end\w*|else)\b/.test(statement);
  return tag.startsWith("{{") && [...nodesOf(new Template(tag).parsed)].length > 0;
}

/** The nodes of tags in the order of the source, without those of texts, which are like those of constants, and comments. */
function* nodesOf(node: unknown): Generator<SyntaxNode> {
  for (const name of ["body", "alternate", "defaultBlock"]) {
    const inner = isRecord(node) ? node[name] : undefined;
    if (!Array.isArray(inner)) continue;
    for (const each of inner) {
      if (each.type !== "StringLiteral" && each.type !== "Comment") yield each;
      yield* nodesOf(each);
    }
  }
}

/** The tags with their places. */
function* placedTags(source: string): Generator<Tag & { readonly place: TemplatePlace }> {
  let [line, counted] = [1, 0];
  for (const each of tagsOf(source)) {
    line += lineEnds(source.slice(counted, each.index));
    counted = each.index;
    yield { ...each, place: { line, tag: each.tag.replace(/\n.*/s, "") } };
  }
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
