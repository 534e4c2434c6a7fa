// One fault, once: what came of it.
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eventsOfType } from "../../src/run/events.ts";
import { readEvents } from "../../src/run/read-events.ts";
import { listCheckpoints, verifyCheckpoint } from "../../src/train/checkpoints/read-checkpoint.ts";
import { freePort } from "../../src/util/free-port.ts";
import { endDifferences, type Outcome, outcomeOf } from "../../test/faults/outcome.ts";
import type { Fault } from "./faults.ts";
import { firstAddress, type Network, onHost } from "./network.ts";
import { type Ended, Job } from "./ranks.ts";

/** Seconds within which all ranks must end. */
const limit = 10;
/** Milliseconds after which a job that does not end is given up. */
const patience = 240_000;

/** What holds of one trial; what does not apply is undefined. */
export interface TrialResult {
  /** Seconds from the fault to the end of the last rank. */
  readonly seconds: number;
  readonly inTime: boolean | undefined;
  readonly named: boolean | undefined;
  readonly whole: boolean | undefined;
  readonly sameEnd: boolean | undefined;
  /** What the ranks printed, where something does not hold. */
  readonly output: string;
}

export interface Bench {
  /** With `recipe.yaml` and its data; the working folder of the ranks. */
  readonly folder: string;
  readonly network: Network | undefined;
  /** A small disk, mounted while a trial needs it. */
  readonly disk: { readonly path: string; fill(): void; clear(): void } | undefined;
}

/** Trains without a fault. */
export async function wholeRun(
  bench: Bench,
  { size, settings, name }: { size: number; settings: readonly string[]; name: string },
): Promise<Outcome> {
  const args = [...newRun("runs", name), ...settings];
  const ends = await train(bench, { size, args }, (job) => job.all(patience));
  if (ends.some(({ code }) => code !== 0)) throw new Error(ends.map(({ stderr }) => stderr).join("\n"));
  return outcomeOf(join(bench.folder, "runs", name));
}

const newRun = (folder: string, name: string) => [
  ...["train", "recipe.yaml", "--set", `run.name=${name}`, "--set", `run.folder=${folder}`],
];

interface Attempt {
  readonly size: number;
  readonly args: readonly string[];
  readonly fault?: Fault;
  readonly rank?: number;
  readonly plan?: string;
}

async function train<T>(
  bench: Bench,
  { size, args, fault, rank = 0, plan }: Attempt,
  body: (job: Job) => Promise<T>,
): Promise<T> {
  const isApart = fault?.needs === "network";
  const { only = false, args: words = [] } = fault?.words ?? {};
  using job = new Job({
    size,
    port: await freePort(),
    cwd: bench.folder,
    args: (which) => [...args, ...(only && which !== rank ? [] : words)],
    ...(isApart && { prefix: onHost }),
    env: {
      ...(plan !== undefined && { FAULT_PLAN: plan }),
      ...(isApart && { MASTER_ADDR: firstAddress, LOCAL_WORLD_SIZE: "1" }),
    },
  });
  return await body(job);
}

/** Trains with a fault on one rank, and then, where the run is to be resumed, without. */
export async function tryFault(
  bench: Bench,
  fault: Fault,
  {
    size,
    rank,
    step,
    name,
    whole,
  }: { size: number; rank: number; step: number; name: string; whole: Outcome },
): Promise<TrialResult> {
  const folder = fault.needs === "disk" && bench.disk ? bench.disk.path : join(bench.folder, "runs");
  const run = join(folder, name);
  const mark = join(bench.folder, `${name}.mark`);
  const plan = fault.plan && JSON.stringify({ ...fault.plan, rank, step, mark });
  const args = [...newRun(folder, name), ...(fault.settings ?? [])];
  const attempt = { size, args, fault, rank, ...(plan && { plan }) };
  let begin = Date.now();
  const ends = await train(bench, attempt, async (job) => {
    if (fault.act) {
      await untilStep(run, step, job);
      begin = Date.now();
      const { disk, network } = bench;
      const hand = { job, rank, after: (seconds: number) => sleep(seconds * 1000) };
      await fault.act({
        ...hand,
        cut: () => {
          begin = network?.cut() ?? begin; // Starting a program takes a while on a busy machine.
        },
        mend: () => network?.mend(),
        fillDisk: () => disk?.fill(),
      });
    }
    return await job.all(patience);
  });
  if (existsSync(mark)) begin = statSync(mark).mtimeMs;
  bench.network?.mend();
  bench.disk?.clear();
  const seconds = (Math.max(...ends.map(({ at }) => at)) - begin) / 1000;
  const named = fault.leadsTo === "go on" ? undefined : isNamed(fault, ends, rank, run);
  const wholeCheckpoints = fault.leadsTo === "refuse" ? !existsSync(run) : areWhole(run);
  const resumed = fault.leadsTo === "end" || fault.leadsTo === "stop" ? await resume(bench, size, run) : ends;
  const differences = fault.leadsTo === "refuse" ? [] : endDifferences(outcomeOf(run), whole);
  const goesOn = fault.leadsTo === "go on";
  const result = {
    seconds,
    inTime: goesOn ? undefined : seconds <= limit && ends.every(hasEnded),
    named,
    whole: wholeCheckpoints,
    sameEnd:
      fault.leadsTo === "refuse"
        ? undefined
        : resumed.every(({ code }) => code === 0) && differences.length === 0,
  };
  rmSync(run, { recursive: true, force: true });
  const isAsItShouldBe = Object.values(result).every((value) => value !== false);
  const said = [...ends, ...(resumed === ends ? [] : resumed)].map(
    ({ code, signal, stderr }, i) => `rank ${i % size}: ${code ?? signal}\n${stderr}`,
  );
  return { ...result, output: isAsItShouldBe ? "" : [...said, ...differences].join("\n") };
}

const resume = (bench: Bench, size: number, run: string) =>
  train(bench, { size, args: ["train", "--resume", run] }, (job) => job.all(patience));

const hasEnded = ({ code, signal }: Ended) => code !== null || signal !== null;

/** Waits until rank 0 has recorded a step. */
async function untilStep(run: string, step: number, job: Job): Promise<void> {
  const hasStep = () =>
    existsSync(join(run, "events.jsonl")) &&
    readFileSync(join(run, "events.jsonl"), "utf8").includes(`"step","step":${step},`);
  while (!hasStep() && job.isRunning()) await sleep(5);
}

function areWhole(run: string): boolean {
  try {
    for (const { path } of listCheckpoints(join(run, "checkpoints"))) verifyCheckpoint(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether all other ranks say which rank it was; of one that was asked to stop the record says so. */
function isNamed({ leadsTo, says }: Fault, ends: readonly Ended[], rank: number, run: string): boolean {
  if (leadsTo === "stop")
    return (
      rank === 0 ||
      eventsOfType(readEvents(run), "end").some(({ message = "" }) => message.includes(`rank ${rank}`))
    );
  const name = says ?? new RegExp(`rank ${rank}\\b`, "i");
  return ends.every(({ stderr }, i) => i === rank || name.test(stderr.slice(stderr.indexOf("error: "))));
}
