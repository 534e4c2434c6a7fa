// Makes the tables of docs/run-folder.md of the schemas in src/run; --check only compares.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { controlSchema } from "../src/run/control-command.ts";
import { eventSchemas } from "../src/run/events.ts";
import { statusSchema } from "../src/run/status.ts";
import { isNode, type SchemaNode } from "../src/schema/json-schema-node.ts";
import { packageRoot } from "../src/setup/paths.ts";

const page = join(packageRoot, "docs", "run-folder.md");

/** Fields of an object, in order. */
function fieldsOf(node: SchemaNode): [name: string, field: SchemaNode, isOptional: boolean][] {
  const required = new Set(node.required ?? []);
  return Object.entries(node.properties ?? {}).flatMap(([name, field]) =>
    isNode(field) ? [[name, field, !required.has(name)]] : [],
  );
}

/** The object within a field, where its own fields are described: they have rows of their own. */
function describedObject(node: SchemaNode): SchemaNode | undefined {
  const object = node.type === "array" && isNode(node.items) ? node.items : node;
  const fields = fieldsOf(object);
  return fields.length > 0 && fields.every(([, { description }]) => description) ? object : undefined;
}

function typeText(node: SchemaNode): string {
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.enum) return node.enum.map((value) => `\`${value}\``).join(", ");
  if (node.anyOf) return node.anyOf.filter(isNode).map(typeText).join(" or ");
  if (node.type === "array") {
    const length = node.minItems === undefined ? "" : `${node.minItems} × `;
    return `list of ${length}${isNode(node.items) ? typeText(node.items) : "anything"}`;
  }
  if (node.type === "object") return objectText(node);
  return Array.isArray(node.type) ? node.type.join(" or ") : String(node.type);
}

function objectText(node: SchemaNode): string {
  const names = fieldsOf(node).map(([name]) => `\`${name}\``);
  if (names.length > 0) return describedObject(node) ? "object" : `object with ${names.join(", ")}`;
  return isNode(node.additionalProperties)
    ? `object, name → ${typeText(node.additionalProperties)}`
    : "object";
}

function rows(node: SchemaNode, prefix = ""): string[] {
  return fieldsOf(node)
    .filter(([name]) => prefix !== "" || name !== "type")
    .flatMap(([name, field, isOptional]) => {
      const path = `${prefix}${name}`;
      const inner = describedObject(field);
      const type = `${isOptional ? "optional " : ""}${typeText(field)}`;
      return [
        `| \`${path}\` | ${type} | ${field.description ?? ""} |`,
        ...(inner ? rows(inner, `${path}${field.type === "array" ? "[]" : ""}.`) : []),
      ];
    });
}

function table(schema: z.ZodType): string {
  const node = z.toJSONSchema(schema, { io: "input" });
  return ["| Field | Type | Meaning |", "|---|---|---|", ...rows(node)].join("\n");
}

const events = Object.entries(eventSchemas).map(
  ([type, schema]) => `### \`${type}\`\n\n${schema.description ?? ""}\n\n${table(schema)}`,
);

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
const parts = {
  events: events.join("\n\n"),
  status: table(statusSchema),
  control: table(controlSchema),
};

const text = readFileSync(page, "utf8");
const made = Object.entries(parts).reduce((whole, [name, content]) => {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, rest] = whole.split(start);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined)
    throw new Error(`docs/run-folder.md lacks ${start} … ${end}`);
  return `${before}${start}\n\n${content}\n\n${end}${after}`;
}, text);

if (!process.argv.includes("--check")) writeFileSync(page, made);
else if (made !== text) {
  process.stderr.write("docs/run-folder.md is stale: run `node scripts/run-folder-tables.ts`\n");
  process.exit(1);
}
