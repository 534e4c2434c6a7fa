import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readStatus } from "../../src/run/status.ts";
import { findNewestValid } from "../../src/train/checkpoints/read-checkpoint.ts";
import { elementAt } from "../../src/util/elements.ts";
import type { Random } from "../../src/util/random.ts";
import { count, type FaultBench, type Tally } from "./bench.ts";
import type { Case } from "./cases.ts";
import type { Job } from "./job.ts";
import { differences, outcomeOf } from "./outcome.ts";

/** What a series of kills came to. */
export interface KillReport {
  kills: number;
  /** Runs that were killed, each several times, and then came to their end. */
  runs: number;
  /** Processes that went on from a checkpoint of a killed one. */
  resumes: number;
  readonly byPhase: Tally;
  readonly byMethod: Tally;
  readonly byDtype: Tally;
  /** What was not as in the uninterrupted run; empty when all is well. */
  readonly mismatches: string[];
}

interface KillSettings {
  readonly kills: number;
  /** Time at which no further run is begun, as `performance.now()` gives it. */
  readonly until: number;
  readonly random: Random;
  /** Told now and then how far it has come. */
  readonly say?: (what: string) => void;
}

/** A run is killed at most so often before it is left to come to its end. */
const killsOfARun = 6;
/** A run changes about so many files. */
const fileChanges = 150;

/** Kills runs of the cases in turn, at random instants, until there have been enough kills or the time is up. */
export async function killRuns(
  bench: FaultBench,
  cases: readonly Case[],
  { kills, until, random, say }: KillSettings,
): Promise<KillReport> {
  const report: KillReport = {
    kills: 0,
    runs: 0,
    resumes: 0,
    byPhase: {},
    byMethod: {},
    byDtype: {},
    mismatches: [],
  };
  while (report.kills < kills && performance.now() < until) {
    const one = elementAt(cases, report.runs % cases.length);
    await killedRun(bench, one, report, random);
    report.runs += 1;
    if (report.runs % 20 === 0) say?.(`${report.kills} kills, ${report.mismatches.length} mismatches`);
  }
  return report;
}

async function killedRun(bench: FaultBench, one: Case, report: KillReport, random: Random): Promise<void> {
  const { outcome: expected, milliseconds } = await bench.reference(one);
  const run = bench.newRun(one);
  const wrong = (what: string) => report.mismatches.push(`${one.name}, run ${report.runs}: ${what}`);
  let newest = 0;
  for (let turn = 0; ; turn++) {
    if (newest > 0) report.resumes += 1;
    const result = await bench.train(one, run, turn < killsOfARun ? instant(random, milliseconds) : {});
    if (result.signal === 0) {
      const [{ code = -1, stderr = "" } = {}] = result.results;
      if (code === 0) break;
      wrong(`ended with status ${code}: ${stderr}`);
      return;
    }
    if (result.signal !== 9) wrong(`ended by signal ${result.signal}`);
    report.kills += 1;
    count(report.byPhase, phaseOf(run));
    count(report.byMethod, one.method);
    count(report.byDtype, one.dtype);
    const valid = findNewestValid(join(run, "checkpoints"));
    if (valid && valid.broken.length > 0) wrong("a kill left a broken checkpoint");
    if ((valid?.entry.step ?? 0) < newest) wrong(`checkpoint of step ${newest} is lost`);
    newest = valid?.entry.step ?? 0;
  }
  for (const line of differences(outcomeOf(run), expected)) wrong(line);
  for (const name of leftovers(run)) wrong(`left ${name}`);
  rmSync(run, { recursive: true });
}

/** Half of the kills come in the middle of a change of a file, half at any instant. */
const instant = (random: Random, milliseconds: number): Omit<Job, "commands" | "folder"> =>
  random.integerBelow(2) === 0
    ? { fault: { at: 1 + random.integerBelow(fileChanges) } }
    : { killAfter: 1 + random.uniform() * milliseconds };

/** What the process was doing when it was killed, as its folder tells. */
function phaseOf(run: string): string {
  const status = existsSync(join(run, "config.yaml")) ? readStatus(run) : undefined;
  const checkpoints = join(run, "checkpoints");
  if (existsSync(checkpoints) && readdirSync(checkpoints).some((name) => name.startsWith(".")))
    return "in a checkpoint";
  if (status === undefined) return "before the first step";
  const events = readFileSync(join(run, "events.jsonl"), "utf8");
  if (!events.endsWith("\n") || readdirSync(run).some((name) => name.endsWith(".tmp")))
    return "in the record";
  if (status.state === "finished") return "after the last step";
  if (status.state === "starting") return "before the first step";
  return events.slice(events.lastIndexOf("\n", events.length - 2)).includes('"type":"eval"')
    ? "after an evaluation"
    : "between checkpoints";
}

/** Files that only an unfinished write has. */
function leftovers(run: string): string[] {
  const names = readdirSync(run, { recursive: true, encoding: "utf8" });
  const beside = readdirSync(dirname(run)).filter(
    (name) => name.includes(basename(run)) && name.startsWith("."),
  );
  return [...names.filter((name) => /\.tmp$|(^|\/)\.unfinished-/.test(name)), ...beside];
}
