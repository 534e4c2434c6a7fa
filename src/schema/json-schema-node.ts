import type { z } from "zod";
import { formatValue } from "./format-value.ts";

/** A node of a JSON schema, with the metadata of `field-types.ts`. */
export type SchemaNode = z.core.JSONSchema.BaseSchema;

/** What a schema node accepts, in words that complete "expected …". */
export function expectedText(node: SchemaNode): string {
  const own = stringOrUndefined(node["expects"]);
  if (own !== undefined) return own;
  if (node.const !== undefined) return formatValue(node.const);
  if (node.enum !== undefined) return joinWithOr(node.enum.map(formatValue));
  if (node.type === "integer" || node.type === "number") return numberWords(node);
  if (node.type === "boolean") return "true or false";
  if (node.type === "array") return "a list";
  if (node.type === "object") return `a section with ${joinWithOr(Object.keys(node.properties ?? {}))}`;
  return "text";
}

function numberWords(node: SchemaNode): string {
  const limits = [
    node.exclusiveMinimum === undefined ? "" : `above ${node.exclusiveMinimum}`,
    node.minimum === undefined || node.minimum < -1e15 ? "" : `at least ${node.minimum}`,
    node.exclusiveMaximum === undefined ? "" : `below ${node.exclusiveMaximum}`,
    node.maximum === undefined || node.maximum > 1e15 ? "" : `at most ${node.maximum}`,
  ].filter((limit) => limit !== "");
  return [node.type === "integer" ? "an integer" : "a number", ...limits].join(", ");
}

/** `a, b or c`. */
export function joinWithOr(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`;
}

export const isNode = (node: unknown): node is SchemaNode => typeof node === "object" && node !== null;

export const stringOrUndefined = (value: unknown) => (typeof value === "string" ? value : undefined);

export function constString(node: unknown): string | undefined {
  return isNode(node) ? stringOrUndefined(node.const) : undefined;
}
