// Runs the scaling event that training calls on files of golden vectors and compares everything they expect.
//   npm run golden -- FILE…
import { basename } from "node:path";
import {
  compareGolden,
  type GoldenFile,
  type GoldenResult,
  goldenPolicies,
  readGolden,
} from "../src/adapters/scalora/testing/golden.ts";
import { ScaloraError } from "../src/util/errors.ts";

const columns = ["objective", "alpha", "beta", "W", "A", "B", "gA", "gB", "mA", "vA", "mB", "vB"];
const number = (value: number) => (value === 0 ? "0" : value.toExponential(0));

function main(paths: readonly string[]): number {
  if (paths.length === 0) {
    console.error(
      "usage: npm run golden -- FILE…\nFiles of golden vectors, such as test/golden/scalora/*.json",
    );
    return 2;
  }
  console.log("max|Δ| / max|expected| of every array; * marks an error above its tolerance");
  console.log(row("policy", "branch", columns));
  let failed = 0;
  let unreadable = 0;
  for (const path of paths) {
    try {
      const file = readGolden(path);
      console.log(basename(path));
      for (const policy of goldenPolicies) failed += report(file, policy) ? 0 : 1;
    } catch (error) {
      if (!(error instanceof ScaloraError)) throw error;
      unreadable += 1;
      console.log(`${basename(path)} cannot be compared`);
      console.error(error.message);
    }
  }
  const compared = (paths.length - unreadable) * goldenPolicies.length;
  const more = unreadable > 0 ? `, ${unreadable} of ${paths.length} files unreadable` : "";
  console.log(`${compared - failed} passed, ${failed} failed${more}`);
  if (failed > 0) return 1;
  return unreadable > 0 ? 2 : 0;
}

function report(file: GoldenFile, policy: (typeof goldenPolicies)[number]): boolean {
  const result = compareGolden(file, policy);
  const errors = new Map(result.comparisons.map((comparison) => [comparison.array, comparison]));
  const cells = columns.map((array) => {
    const found = errors.get(array);
    return found === undefined ? "–" : `${number(found.error)}${found.error <= found.tolerance ? "" : "*"}`;
  });
  console.log(row(policy, branch(result), cells));
  return result.passed;
}

const branch = (result: GoldenResult) =>
  result.branch === result.expectedBranch ? result.branch : `${result.branch}* not ${result.expectedBranch}`;

function row(policy: string, branchName: string, cells: readonly string[]): string {
  const numbers = cells.map((cell, i) => cell.padStart(i === 0 ? 9 : 6));
  return [" ", policy.padEnd(8), branchName.padEnd(16), ...numbers].join(" ");
}

process.exitCode = main(process.argv.slice(2));
