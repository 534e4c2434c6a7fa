// npm run faults [-- WORD…]: do the tests have teeth? Plants one fault at a time in a copy of the tree and expects the
// named test to fail; with words, only the faults that contain one of them. The working tree is never touched.
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packageRoot } from "../src/setup/paths.ts";
import { ensureSetup } from "../src/setup/setup.ts";
import type { Fault, NamedTest } from "./faults/fault.ts";
import { faults } from "./faults/faults.ts";
import { installDependencies } from "./repository/install-dependencies.ts";
import { log } from "./repository/prepare.ts";

/** What vitest's JSON reporter writes. */
interface Report {
  testResults: { name: string; assertionResults: { title: string; status: string }[] }[];
}

/** A copy of every file that git knows or would take, with the packages and the addon of this clone. */
function copyTree() {
  const copy = mkdtempSync(join(tmpdir(), "scalora-faults-"));
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const listed = execFileSync("git", args, { cwd: packageRoot, encoding: "utf8" });
  for (const file of new Set(listed.split("\0"))) {
    if (file === "" || !existsSync(join(packageRoot, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    copyFileSync(join(packageRoot, file), join(copy, file));
  }
  symlinkSync(join(packageRoot, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Runs named tests of the copy. */
function runTests(
  copy: string,
  tests: readonly NamedTest[],
): (test: NamedTest) => "passed" | "failed" | "not run" {
  const report = join(copy, "faults-report.json");
  rmSync(report, { force: true });
  const names = tests.map(({ name }) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const files = [...new Set(tests.map(({ file }) => file))];
  const args = ["node_modules/vitest/vitest.mjs", "run", ...files, "-t", names.join("|")];
  const options = ["--reporter=json", `--outputFile=${report}`];
  spawnSync(process.execPath, [...args, ...options], { cwd: copy, timeout: 600_000 });
  if (!existsSync(report)) return () => "not run";
  const { testResults }: Report = JSON.parse(readFileSync(report, "utf8"));
  return ({ file, name }) => {
    const results = testResults
      .filter((result) => result.name.endsWith(`/${file}`))
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ title }) => title.startsWith(name))
      .map(({ status }) => status);
    if (results.includes("failed")) return "failed";
    return results.includes("passed") ? "passed" : "not run";
  };
}

/** @returns what came of it */
function tryFault(copy: string, { file, from, to, test }: Fault): string {
  const path = join(copy, file);
  const source = readFileSync(path, "utf8");
  if (source.split(from).length !== 2) return "does not fit";
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  const result = runTests(copy, [test])(test);
  writeFileSync(path, source);
  return { failed: "red", passed: "SURVIVED", "not run": "test did not run" }[result];
}

const words = process.argv.slice(2);
const chosen = faults.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0) {
  log(`no fault is called so; there are\n  ${faults.map(({ name }) => name).join("\n  ")}`);
  process.exit(2);
}
await installDependencies(log);
await ensureSetup();
const copy = copyTree();
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

const tests = chosen.map(({ test }) => test);
log(`running the ${new Set(tests.map(({ name }) => name)).size} named tests without any fault`);
const healthy = runTests(copy, tests);
let bad = 0;
for (const fault of chosen) {
  const { name, test } = fault;
  const before = healthy(test);
  const result = before === "passed" ? tryFault(copy, fault) : `${before} without the fault`;
  if (result !== "red") bad += 1;
  console.log(`${result.padEnd(9)} ${name.padEnd(45)} ${test.file} > ${test.name}`);
}
console.log(`${chosen.length - bad} red, ${bad} not`);
process.exitCode = bad === 0 ? 0 : 1;
