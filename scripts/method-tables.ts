// Writes each method's table of options into its page of docs/methods, from the schema that checks them; --check only compares.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Method } from "../src/adapters/core/method.ts";
import { optionsText } from "../src/adapters/preset-note.ts";
import { listMethods } from "../src/adapters/registry.ts";
import { describeMethods } from "../src/config/field-descriptions.ts";
import { packageRoot } from "../src/setup/paths.ts";
import { groupBy } from "../src/util/group-by.ts";

const [begin, end] = ["<!-- options: written by scripts/method-tables.ts -->", "<!-- /options -->"];

function table(methods: readonly Method[]): string {
  const rates = methods.map(({ name, presetLr }) => `${presetLr.toExponential()} (\`${name}\`)`);
  const sources = [...new Set(methods.map(presetSource))].filter((source) => source !== "");
  const rows = describeMethods(methods).map(({ key, expects, unset, description }) => [
    `\`${key}\``,
    description,
    expects,
    unset ?? "must be given",
  ]);
  const cells = [["key", "what", "takes", "default"], ["---", "---", "---", "---"], ...rows];
  const lines = cells.map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  return [
    "## Options",
    `Preset of \`train.lr\`: ${rates.join(", ")}${sources.join("")}.`,
    lines.join("\n"),
  ].join("\n\n");
}

/** Where a method's preset rate is from, and what was published with it. */
function presetSource({ published }: Method): string {
  if (published === undefined) return "";
  const options = published.options && `, with ${optionsText(published.options)}`;
  return `; source: ${published.source}${options ?? ""}`;
}

/** The page with its table, at its end where it has none yet. */
function withTable(page: string, methods: readonly Method[]): string {
  const made = `${begin}\n\n${table(methods)}\n\n${end}`;
  const [before, rest] = page.split(begin);
  if (rest === undefined) return `${page.trimEnd()}\n\n${made}\n`;
  return `${before}${made}${rest.slice(rest.indexOf(end) + end.length)}`;
}

for (const methods of groupBy(listMethods(), ({ docs }) => docs ?? "")) {
  const [{ name, docs }] = methods;
  if (docs === undefined) throw new Error(`method ${name} names no page of documentation`);
  const path = join(packageRoot, docs);
  const text = readFileSync(path, "utf8");
  const fresh = withTable(text, methods);
  if (fresh === text) continue;
  if (!process.argv.includes("--check")) writeFileSync(path, fresh);
  else {
    process.stderr.write(`${docs} is stale: run \`node --import tsx scripts/method-tables.ts\`\n`);
    process.exitCode = 1;
  }
}
