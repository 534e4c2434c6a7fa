// npm run test:faults: the long form. Kills runs of every method at random instants, fails their writes, damages their
// checkpoints, and compares how they end with uninterrupted runs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { elementAt } from "../../src/util/elements.ts";
import { Random } from "../../src/util/random.ts";
import { numberOption, readOptions } from "../long-form-options.ts";
import { FaultBench } from "./bench.ts";
import { type Case, writeCases } from "./cases.ts";
import { damageCheckpoints, newDamageReport } from "./damages.ts";
import { failingReads, failingWrites, newDiskReport, readOnlyDisk, smallDisks } from "./disk.ts";
import { ForkServer } from "./fork-server.ts";
import { killRuns } from "./kills.ts";
import { whyNoMounts } from "./mounts.ts";
import { printReport } from "./print-report.ts";

const usage = `npm run test:faults -- [--kills N] [--writes N] [--damages N] [--seconds S] [--seed K] [--json FILE]

Kills runs of every method at random instants, fails their writes, damages their checkpoints, and compares how they end with
uninterrupted runs.

  --kills N     processes to kill (1000)
  --writes N    writes to fail, one after another, at most 160 (160)
  --damages N   checkpoints to damage (500)
  --seconds S   begin nothing more after so many seconds (3600)
  --seed K      seed of what is chosen at random (1)
  --json FILE   write the report as JSON`;

const options = readOptions(usage, () => {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "1000" },
      writes: { type: "string", default: "160" },
      damages: { type: "string", default: "500" },
      seconds: { type: "string", default: "3600" },
      seed: { type: "string", default: "1" },
      json: { type: "string" },
    },
  });
  const count = (name: "kills" | "writes" | "damages" | "seed") =>
    numberOption(name, values[name], { whole: true, least: 0 });
  return {
    kills: count("kills"),
    writes: count("writes"),
    damages: count("damages"),
    seed: count("seed"),
    seconds: numberOption("seconds", values.seconds, { above: 0 }),
    json: values.json,
  };
});
const random = new Random(options.seed);
const started = performance.now();
const until = started + 1000 * options.seconds;

/** A run changes about so many files: as many writes fail, one after another, when all do. */
const changes = 160;
const writes = Math.min(changes, options.writes);
const failing = Array.from({ length: writes }, (_, i) => 1 + Math.floor((i * changes) / writes));
/** A resume reads about so often. */
const reads = 60;
/** Of disks on which no run has room. */
const sizes = [1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20].map((size) => size * 8192);

async function diskFaults(bench: FaultBench, cases: readonly Case[]) {
  const report = newDiskReport();
  const [first, second] = [random.pick(cases), random.pick(cases)];
  await failingWrites(bench, first, "ENOSPC", failing, report);
  await failingWrites(bench, second, "EIO", failing, report);
  await failingReads(bench, first, failing.slice(0, reads), report);
  say(`${report.failures} failing writes, ${report.mismatches.length} mismatches`);
  const why = whyNoMounts();
  if (why !== undefined) return { ...report, skipped: `small and read-only disks: ${why}` };
  await smallDisks(bench, first, sizes, report);
  await readOnlyDisk(bench, second, report);
  return report;
}

const say = (what: string) => console.error(`${Math.round((performance.now() - started) / 1000)} s: ${what}`);

async function damages(bench: FaultBench, cases: readonly Case[]) {
  const report = newDamageReport();
  const each = 20;
  while (report.damages < options.damages && performance.now() < until) {
    await damageCheckpoints(bench, random.pick(cases), { damages: each, random }, report);
    say(`${report.damages} damages, ${report.mismatches.length} mismatches`);
  }
  return report;
}

const folder = mkdtempSync(join(tmpdir(), "scalora-faults-"));
try {
  mkdirSync(join(folder, "runs"));
  const cases = random.shuffled(writeCases(folder));
  using server = await ForkServer.start(elementAt(cases, 0).recipe, folder);
  const bench = new FaultBench(server, join(folder, "runs"));
  const report = {
    seed: options.seed,
    cores: availableParallelism(),
    cases: cases.length,
    disk: await diskFaults(bench, cases),
    damages: await damages(bench, cases),
    kills: await killRuns(bench, cases, {
      kills: options.kills,
      until,
      random,
      say,
    }),
    seconds: (performance.now() - started) / 1000,
  };
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  process.exitCode = printReport(report) === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
