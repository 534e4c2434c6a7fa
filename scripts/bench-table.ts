// Writes the table of docs/performance (npm run bench -- --out docs/performance) and its chart into docs/performance.md; --check
// only compares.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/setup/paths.ts";

const [begin, end] = ["<!-- table: written by scripts/bench-table.ts -->", "<!-- /table -->"];
const page = join(packageRoot, "docs", "performance.md");

const text = readFileSync(page, "utf8");
const table = readFileSync(join(packageRoot, "docs", "performance", "table.md"), "utf8");
const chart = "![Speed of a LoRA step relative to transformers + PEFT](performance/speed.svg)";
const [before, after] = [text.slice(0, text.indexOf(begin)), text.slice(text.indexOf(end))];
const fresh = `${before}${begin}\n\n${chart}\n\n${table}\n${after}`;
if (fresh !== text && process.argv.includes("--check")) {
  process.stderr.write("docs/performance.md is stale: run `node scripts/bench-table.ts`\n");
  process.exitCode = 1;
} else writeFileSync(page, fresh);
