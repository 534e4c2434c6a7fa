// Checks that no file of code is longer than 500 lines; what a script generated may be.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";

const limit = 500;
const code = /\.(ts|mts|mjs|js|cpp|h|py|sh|css|html)$/;
const generated = /\.generated\.|^assets\//;

const args = ["ls-files", "--cached", "--others", "--exclude-standard"];
const files = execFileSync("git", args, { cwd: packageRoot, encoding: "utf8" }).split("\n");
let wrong = 0;
for (const file of files.filter((name) => code.test(name) && !generated.test(name))) {
  const path = join(packageRoot, file);
  if (!existsSync(path)) continue;
  const lines = readFileSync(path, "utf8").trimEnd().split("\n").length;
  if (lines <= limit) continue;
  wrong += 1;
  console.log(`${file} has ${lines} lines; the limit is ${limit}`);
}
process.exitCode = wrong === 0 ? 0 : 1;
