// Writes the tables of docs/performance (npm run bench -- --out docs/performance) and its chart into docs/performance.md;
// --check only compares.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/setup/paths.ts";

const page = join(packageRoot, "docs", "performance.md");
const chart = "![Speed of a LoRA step relative to transformers + PEFT](performance/speed.svg)\n\n";
const sections = [
  { name: "table", above: chart },
  { name: "techniques", above: "" },
  { name: "generation", above: "" },
  { name: "intel-xeon/table", above: "" },
  { name: "intel-xeon/techniques", above: "" },
];

const text = readFileSync(page, "utf8");
const fresh = sections.reduce(withSection, text);
if (fresh !== text && process.argv.includes("--check")) {
  process.stderr.write("docs/performance.md is stale: run `node scripts/bench-table.ts`\n");
  process.exitCode = 1;
} else writeFileSync(page, fresh);

/** The page with a table's file between the marks of its name. */
function withSection(whole: string, { name, above }: { name: string; above: string }): string {
  const [begin, end] = [`<!-- ${name}: written by scripts/bench-table.ts -->`, `<!-- /${name} -->`];
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${page} lacks ${begin} … ${end}`);
  const file = join(packageRoot, "docs", "performance", `${name}.md`);
  const table = existsSync(file) ? readFileSync(file, "utf8") : "";
  return `${whole.slice(0, from)}${begin}\n\n${above}${table}\n${whole.slice(to)}`;
}
