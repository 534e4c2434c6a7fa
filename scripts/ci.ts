// The body of .ci/run: the README's commands and the gates, on the repository as it is. Ends with one line of counts.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { packageRoot } from "../src/setup/paths.ts";

/** Runs npm, shows its output as it comes, and keeps it. */
function npm(args: string[]): Promise<{ code: number; output: string }> {
  console.log(`\n$ npm ${args.join(" ")}`);
  return new Promise((resolve) => {
    const child = spawn("npm", args, { cwd: packageRoot, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      from.setEncoding("utf8").on("data", (text) => {
        output += text;
        to.write(text);
      });
    }
    child.once("error", (error) => resolve({ code: 1, output: error.message }));
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** The last plain line of counts in an output. */
function countsIn(output: string) {
  const line = output.match(/^\d+ passed, \d+ failed.*$/gm)?.at(-1);
  const [passed = 0, failed = 1] = line?.match(/\d+/g)?.map(Number) ?? [];
  return { passed, failed };
}

/** Skipped tests that .ci/allowed-skips.txt does not list. */
function surprisingSkips(output: string) {
  const text = readFileSync(join(packageRoot, ".ci", "allowed-skips.txt"), "utf8");
  const allowed = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const skipped = [...output.matchAll(/^skipped: (.+)$/gm)].map(([, name = ""]) => name);
  return skipped.filter((name) => !allowed.some((start) => name === start || name.startsWith(`${start} (`)));
}

/** More than these are no accidents of the machine. */
const mostTriedAgain = 3;

function verdict(good: boolean, what: string) {
  console.log(`${good ? "ok    " : "FAILED"} ${what}`);
  return { passed: good ? 1 : 0, failed: good ? 0 : 1 };
}

const tests = await npm(["test"]);
const skips = surprisingSkips(tests.output);
for (const name of skips) console.log(`not in .ci/allowed-skips.txt: ${name}`);
const checks = await npm(["run", "check"]);
const pack = await npm(["run", "test:pack"]);
// The tiny model: the other is a download, and minutes of training.
const start = await npm(["start", "--", "--tiny"]);
const report = /\S*report\.html/.exec(start.output)?.[0];

console.log("");
// Again, where they are seen: what follows the tests is long.
const troubles = tests.output.match(/^(?:failed|passed at try \d+): .+$/gm) ?? [];
for (const line of troubles) console.log(line);
const triedAgain = troubles.filter((line) => line.startsWith("passed"));
const tallies = [
  countsIn(tests.output),
  verdict(tests.code === 0, "npm test"),
  verdict(skips.length === 0, "no unlisted skipped test"),
  verdict(triedAgain.length <= mostTriedAgain, `${triedAgain.length} tests had to be tried again`),
  countsIn(checks.output),
  verdict(checks.code === 0, "npm run check"),
  verdict(pack.code === 0, "npm run test:pack"),
  verdict(
    start.code === 0 && report !== undefined && existsSync(resolve(packageRoot, report)),
    "npm start wrote its report",
  ),
];
const passed = tallies.reduce((total, tally) => total + tally.passed, 0);
const failed = tallies.reduce((total, tally) => total + tally.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
