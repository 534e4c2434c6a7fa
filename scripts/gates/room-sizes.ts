// Prints the lines of every room of docs/architecture.md and checks that none has more than 3,000; tests and generated
// files do not count.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";
import { filesUnder } from "../repository/build.ts";
import { readTable, roomOf, testFile } from "../repository/import-table.ts";

const limit = 3000;

const rows = readTable();
const sizes = new Map<string, number>();
for (const file of filesUnder("src")) {
  if (!file.endsWith(".ts") || file.includes(".generated.") || new RegExp(testFile).test(file)) continue;
  const room = roomOf(file, rows)?.folder ?? "in no room";
  const lines = readFileSync(join(packageRoot, file), "utf8").trimEnd().split("\n").length;
  sizes.set(room, (sizes.get(room) ?? 0) + lines);
}
for (const [room, lines] of [...sizes].sort(([, a], [, b]) => b - a)) {
  console.log(`${String(lines).padStart(6)} ${room}${lines > limit ? ` has more than ${limit} lines` : ""}`);
}
process.exitCode = [...sizes.values()].some((lines) => lines > limit) ? 1 : 0;
