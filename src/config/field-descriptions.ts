import { z } from "zod";
import type { Method } from "../adapters/core/method.ts";
import { formatValue } from "../schema/format-value.ts";
import {
  constString,
  expectedText,
  isNode,
  type SchemaNode,
  stringOrUndefined,
} from "../schema/json-schema-node.ts";
import { type SectionName, sectionJsonSchema } from "./recipe-sections.ts";

/** One key of a section, as `--help` and the documentation show it. */
export interface FieldDescription {
  key: string;
  /** What it takes, in words. */
  expects: string;
  /** What it is when left out, in words; undefined when it must be given. */
  unset: string | undefined;
  description: string;
  /** Methods that have the key; undefined when all have it. */
  methods: string[] | undefined;
}

/** Every key of a section; with the adapters, of every method. */
export function describeSection(section: SectionName): FieldDescription[] {
  const root = sectionJsonSchema(section);
  return describeBranches((root.oneOf ?? [root]).filter(isNode));
}

/** Every key of some methods, of their options alone. */
export function describeMethods(methods: readonly Method[]): FieldDescription[] {
  return describeBranches(methods.map(({ schema }) => z.toJSONSchema(schema, { io: "input" })));
}

function describeBranches(branches: readonly SchemaNode[]): FieldDescription[] {
  const rows = new Map<string, FieldDescription & { methods: string[] }>();
  for (const branch of branches) {
    const method = constString(branch.properties?.["method"]);
    for (const [key, node] of Object.entries(branch.properties ?? {})) {
      if (!isNode(node)) continue;
      const row = rows.get(key);
      if (row === undefined) rows.set(key, describeField(key, node, method));
      else mergeField(row, node, method);
    }
  }
  return [...rows.values()].map((row) => {
    const everywhere = branches.length === 1 || row.methods.length === branches.length;
    return { ...row, methods: everywhere ? undefined : row.methods };
  });
}

function describeField(key: string, node: SchemaNode, method: string | undefined) {
  return {
    key,
    expects: expectedText(node),
    unset: defaultText(node),
    description: stringOrUndefined(node.description) ?? (key === "method" ? "Which method trains" : ""),
    methods: method === undefined ? [] : [method],
  };
}

/** A key that a second method has too: its default, its meaning, or its own constant (`method`) may differ. */
function mergeField(row: FieldDescription & { methods: string[] }, node: SchemaNode, method = ""): void {
  row.methods.push(method);
  const constant = constString(node);
  if (row.key === "method" && constant !== undefined) row.expects += `, ${constant}`;
  const description = stringOrUndefined(node.description);
  if (description !== undefined && !row.description.includes(description))
    row.description += `; with ${method}: ${description.charAt(0).toLowerCase()}${description.slice(1)}`;
  const unset = defaultText(node);
  const isFirst = unset === row.unset || row.unset?.startsWith(`${unset};`) === true;
  if (unset !== undefined && !isFirst) row.unset += `; ${unset} with ${method}`;
}

function defaultText(node: SchemaNode): string | undefined {
  return (
    stringOrUndefined(node["unset"]) ?? (node.default === undefined ? undefined : formatValue(node.default))
  );
}
