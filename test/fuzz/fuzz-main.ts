/**
 * npm run test:fuzz: damaged files of every kind for as long as wanted, each target in a process of its own, which is started
 * again after a failure. A failing input is shortened where it can be and kept in the folder of failures.
 *
 *     npm run test:fuzz -- [--inputs N] [--seconds S] [--seed K] [--target NAME]… [--json FILE]
 *
 * Inputs and seconds are for each target; the defaults make more than a million inputs.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { parseArgs } from "node:util";
import { elementAt } from "../../src/util/elements.ts";
import type { CampaignReport } from "./campaign.ts";
import { fuzzInChild } from "./run-child.ts";
import type { Target } from "./target.ts";
import { allTargets } from "./targets/all-targets.ts";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "60000" },
    seconds: { type: "string", default: "600" },
    seed: { type: "string", default: "1" },
    target: { type: "string", multiple: true, default: allTargets.map(({ name }) => name) },
    failures: { type: "string", default: join(tmpdir(), "scalora-fuzz-failures") },
    json: { type: "string" },
  },
});

/** Failures of one target after which it is given up. */
const mostFailures = 5;

interface Failure {
  readonly target: string;
  readonly reason: string;
  /** The input. */
  readonly file: string;
}

/** In memory where there is such a folder: inputs are written and read thousands of times a second. */
const scratch = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "scalora-fuzz-"));
const reports: CampaignReport[] = [];
const failures: Failure[] = [];
try {
  for (const name of values.target) {
    const target = elementAt(
      allTargets.filter((each) => each.name === name),
      0,
    );
    await fuzzTarget(target, { inputs: Number(values.inputs), seconds: Number(values.seconds) });
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
printSum();
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ reports, failures }, null, 2)}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function fuzzTarget(target: Target, total: { inputs: number; seconds: number }): Promise<void> {
  let { inputs, seconds } = total;
  for (let attempt = 0; attempt < mostFailures && inputs > 0 && seconds > 0; attempt++) {
    const started = performance.now();
    const { reports: found, crash } = await fuzzInChild({
      scratch,
      targets: [target.name],
      budget: { inputs, seconds },
      seed: Number(values.seed) + 1000 * attempt,
      guided: true,
    });
    for (const report of found) {
      reports.push(report);
      console.log(describe(report));
      inputs -= report.inputs;
    }
    const reason = crash?.reason ?? found.find(({ failure }) => failure !== undefined)?.failure;
    if (reason === undefined) return;
    keepFailure(target, reason);
    seconds -= (performance.now() - started) / 1000;
  }
}

function keepFailure(target: Target, reason: string): void {
  const input = join(scratch, target.name, target.file);
  if (!existsSync(input)) throw new Error(`the process did not come to its first input: ${reason}`);
  const folder = join(values.failures, target.name);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${values.seed}-${failures.length}${extname(target.file)}`);
  copyFileSync(input, file);
  failures.push({ target: target.name, reason, file });
  console.log(`${target.name}: FAILED, the input is ${file}\n${reason}`);
}

function describe({ target, inputs, seconds, outcomes, ...report }: CampaignReport): string {
  const { accepted = 0, ...refused } = outcomes;
  const codes = Object.entries(refused).map(([code, count]) => `${code} ${count}`);
  const perSecond = inputs / report.processorSeconds;
  const share = ((100 * accepted) / inputs).toFixed(0);
  return [
    `${target}: ${inputs} inputs, ${(inputs / seconds).toFixed(0)} a second (${perSecond.toFixed(0)} of processor time, slowest ${report.slowest.toFixed(0)} ms)`,
    `accepted ${share} %, refused: ${codes.join(", ") || "none"}`,
    `${report.blocks} blocks of code, ${report.kept} inputs kept`,
  ].join("; ");
}

function printSum(): void {
  const inputs = reports.reduce((sum, report) => sum + report.inputs, 0);
  const seconds = reports.reduce((sum, report) => sum + report.seconds, 0);
  console.log(`${inputs} inputs in ${seconds.toFixed(0)} s, ${failures.length} failures`);
}
