/**
 * npm run test:fuzz: damaged files of every kind for as long as wanted, each target in a process of its own, which is started
 * again after a failure. A failing input is shortened where it can be and kept in the folder of failures.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { parseArgs } from "node:util";
import { namedOption, numberOption, readOptions } from "../long-form-options.ts";
import type { CampaignReport } from "./campaign.ts";
import { fuzzInChild } from "./run-child.ts";
import type { Target } from "./target.ts";
import { allTargets } from "./targets/all-targets.ts";

const targetNames = allTargets.map(({ name }) => name);
const usage = `npm run test:fuzz -- [--inputs N] [--seconds S] [--seed K] [--target NAME]… [--failures FOLDER] [--json FILE]

Gives damaged files of every kind to the readers; the defaults make more than a million inputs.

  --inputs N          inputs of each target (60000)
  --seconds S         seconds of each target (600)
  --seed K            seed of the damages (1)
  --target NAME       only this target; repeatable; of ${targetNames.join(", ")}
  --failures FOLDER   where inputs that fail are kept (scalora-fuzz-failures in the system's temporary folder)
  --json FILE         write the report as JSON`;

const options = readOptions(usage, () => {
  const { values } = parseArgs({
    options: {
      inputs: { type: "string", default: "60000" },
      seconds: { type: "string", default: "600" },
      seed: { type: "string", default: "1" },
      target: { type: "string", multiple: true, default: targetNames },
      failures: { type: "string", default: join(tmpdir(), "scalora-fuzz-failures") },
      json: { type: "string" },
    },
  });
  return {
    ...values,
    inputs: numberOption("inputs", values.inputs, { whole: true, least: 1 }),
    seconds: numberOption("seconds", values.seconds, { above: 0 }),
    seed: numberOption("seed", values.seed, { whole: true, least: 0 }),
    targets: values.target.map((name) => namedOption("target", name, allTargets)),
  };
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
  for (const target of options.targets) await fuzzTarget(target, options);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
printSum();
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ reports, failures }, null, 2)}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function fuzzTarget(target: Target, total: { inputs: number; seconds: number }): Promise<void> {
  let { inputs, seconds } = total;
  for (let attempt = 0; attempt < mostFailures && inputs > 0 && seconds > 0; attempt++) {
    const started = performance.now();
    const { reports: found, crash } = await fuzzInChild({
      scratch,
      targets: [target.name],
      budget: { inputs, seconds },
      seed: options.seed + 1000 * attempt,
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
  const folder = join(options.failures, target.name);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${options.seed}-${failures.length}${extname(target.file)}`);
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
