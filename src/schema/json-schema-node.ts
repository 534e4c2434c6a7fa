import type { z } from "zod";
import { limitsText, type NumberLimits } from "../util/number-limits.ts";
import { formatValue } from "./format-value.ts";

/** A node of a JSON schema, with the metadata of `field-types.ts`. */
export type SchemaNode = z.core.JSONSchema.BaseSchema;

/** What a schema node accepts, in words that complete "expected …"; `found` is what it refuses. */
export function expectedText(node: SchemaNode, found?: unknown): string {
  const own = stringOrUndefined(node["expects"]);
  if (own !== undefined) return own;
  if (node.const !== undefined) return formatValue(node.const);
  if (node.enum !== undefined) return joinWithOr(node.enum.map(formatValue));
  if (node.type === "integer" || node.type === "number") return limitsText(limitsOf(node, found));
  if (node.type === "boolean") return "true or false";
  if (node.type === "array") return "a list";
  if (node.type === "object") return `a section with ${joinWithOr(Object.keys(node.properties ?? {}))}`;
  return "text";
}

/** The limits of a number's node; those of all integers, which JSON schema names always, only for a number beyond them. */
const limitsOf = (
  { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: SchemaNode,
  found: unknown,
): NumberLimits => ({
  whole: type === "integer",
  least: minimum !== undefined && (minimum > -1e15 || isBelow(found, minimum)) ? minimum : undefined,
  above: numberOrUndefined(exclusiveMinimum),
  most: maximum !== undefined && (maximum < 1e15 || isBelow(maximum, found)) ? maximum : undefined,
  below: numberOrUndefined(exclusiveMaximum),
});

const isBelow = (a: unknown, b: unknown) => typeof a === "number" && typeof b === "number" && a < b;

/** `a, b or c`. */
export function joinWithOr(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`;
}

export const isNode = (node: unknown): node is SchemaNode => typeof node === "object" && node !== null;

const numberOrUndefined = (value: unknown) => (typeof value === "number" ? value : undefined);

export const stringOrUndefined = (value: unknown) => (typeof value === "string" ? value : undefined);

export function constString(node: unknown): string | undefined {
  return isNode(node) ? stringOrUndefined(node.const) : undefined;
}
