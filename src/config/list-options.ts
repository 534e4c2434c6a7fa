import { isNode, type SchemaNode } from "../schema/json-schema-node.ts";
import { sectionJsonSchema } from "./recipe-sections.ts";

/** The keys of the adapter section, of all methods, that take a list (`targetModules`). */
export function adapterListOptions(): Set<string> {
  const root = sectionJsonSchema("adapter");
  const branches = (root.oneOf ?? [root]).filter(isNode);
  const options = branches.flatMap(({ properties }) => Object.entries(properties ?? {}));
  return new Set(options.flatMap(([key, node]) => (isNode(node) && takesList(node) ? [key] : [])));
}

function takesList(node: SchemaNode): boolean {
  const alternatives = [...(node.anyOf ?? []), ...(node.oneOf ?? [])].filter(isNode);
  return node.type === "array" || alternatives.some(takesList);
}
