import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { freePort } from "../util/free-port.ts";
import { fittingThreads, tooManyThreads, usableCores } from "../util/usable-cores.ts";
import { launchVariable, type Nodes } from "./launch.ts";
import { readLaunch, readNodes } from "./read-launch.ts";
import type { Verdict } from "./watch/messages.ts";
import { whatBecame } from "./watch/verdict-error.ts";
import { VerdictFile } from "./watch/verdict-file.ts";

export interface RanksOptions {
  /** The program of every rank, found as a shell finds it, and its arguments. */
  readonly command: string;
  readonly args: readonly string[];
  /** The number of ranks on this machine. */
  readonly nproc: number;
  readonly env: NodeJS.ProcessEnv;
  /** Takes the lines of ranks other than 0, each with its rank, and a warning. Rank 0 writes to this process's own output. */
  readonly log: (line: string) => void;
}

/** How a rank ended. */
interface RankEnd {
  readonly rank: number;
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The rank for which all ended; its end, or that of the first that ended because of it. */
interface RankFailure extends RankEnd {
  /** What the others have found of it, where it had not ended: "on node2 is silent". */
  readonly found?: string;
  /** The signal with which somebody asked it to stop, as its exit code says. */
  readonly askedBy?: NodeJS.Signals;
}

interface Rank {
  readonly rank: number;
  readonly child: ChildProcess;
  readonly exited: Promise<RankEnd>;
  readonly closed: Promise<unknown>;
}

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Milliseconds between asking ranks to end and ending them. */
const grace = 5000;

/** Milliseconds in which ranks that fail because of another one may be noticed before it, and say why they end. */
const confusion = 500;

/**
 * Runs a command as several ranks of one job, with torchrun's variables, until all have ended. Signals to this process go to all
 * ranks. When a rank fails, the others are ended, within 6 seconds; when one was asked to stop, so are the others, and they may
 * take their time. On a machine that Kubeflow or SkyPilot has started one command on, the ranks are this machine's share of all.
 * @returns the rank that failed first, or was asked to stop; undefined if none was or a signal to this process ended them; and an
 * exit code
 */
export async function runRanks(
  options: RanksOptions,
): Promise<{ failure: RankFailure | undefined; exitCode: number }> {
  using file = new VerdictFile();
  const ranks = startAll(options, await environments(options, file));
  const ended: RankEnd[] = [];
  for (const { exited } of ranks) exited.then((end) => ended.push(end)).catch(() => {});
  const signals = forwardSignals(ranks);
  try {
    const failed = await firstFailure(ranks);
    if (failed && !signals.came()) await sleep(confusion);
    const failure = signals.came() ? undefined : culprit(ended, file.read());
    if (failure?.askedBy) signalAll(ranks, failure.askedBy);
    else if (failure) await endAll(ranks);
    await Promise.all(ranks.map(({ exited }) => exited));
    await Promise.race([
      Promise.all(ranks.map(({ closed }) => closed)),
      sleep(1000, undefined, { ref: false }),
    ]);
    return { failure, exitCode: exitCodeOf(failure ?? ended.find(hasFailed)) };
  } finally {
    signalAll(ranks, "SIGKILL"); // those that run where another could not be started
    signals.stop();
  }
}

/** One line, such as `rank 1 (process 4711) was killed by SIGKILL; the other ranks were ended`. */
export function describeFailure({ rank, pid, code, signal, found, askedBy }: RankFailure): string {
  const who = `rank ${rank} (process ${pid})`;
  if (askedBy) return `${who} was stopped by ${askedBy}, and the others with it`;
  const how = found ?? (signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`);
  return `${who} ${how}; the other ranks were ended`;
}

/** The variables of each rank. */
async function environments(
  { nproc, env, log }: RanksOptions,
  file: VerdictFile,
): Promise<NodeJS.ProcessEnv[]> {
  const nodes = nodesOf(env);
  const { host, port } = nodes?.store ?? { host: "127.0.0.1", port: 0 };
  const { nodeRank = 0, nodes: count = 1 } = nodes ?? {};
  // torchrun's agent has no store for these ranks.
  const { TORCHELASTIC_USE_AGENT_STORE: _store, ...inherited } = env;
  const shared = {
    ...inherited,
    ...file.env,
    [launchVariable]: "1",
    WORLD_SIZE: `${count * nproc}`,
    LOCAL_WORLD_SIZE: `${nproc}`,
    GROUP_RANK: `${nodeRank}`,
    MASTER_ADDR: host,
    MASTER_PORT: `${port === 0 ? await freePort() : port}`,
    ...threadsOf(nproc, env, log),
  };
  return Array.from({ length: nproc }, (_, local) => {
    return { ...shared, RANK: `${nodeRank * nproc + local}`, LOCAL_RANK: `${local}` };
  });
}

/** Shares the cores out between the ranks, unless the user has set the number of threads. */
function threadsOf(nproc: number, env: NodeJS.ProcessEnv, log: RanksOptions["log"]) {
  const fitting = fittingThreads(usableCores());
  const set = env["OMP_NUM_THREADS"] || env["MKL_NUM_THREADS"];
  if (!set) return { OMP_NUM_THREADS: `${Math.max(1, Math.floor(fitting / nproc))}` };
  const threads = Number(set);
  if (threads > 1 && threads * nproc > fitting) log(`warning: ${tooManyThreads(threads, fitting, nproc)}`);
  return {};
}

/** The nodes that the command was started on; a launcher that has started one rank, such as a shell within Slurm, may start more. */
function nodesOf(env: NodeJS.ProcessEnv): Nodes | undefined {
  const nodes = readNodes(env);
  const launch = nodes === undefined ? readLaunch(env) : undefined;
  if (launch === undefined || launch.worldSize === 1) return nodes;
  throw new ScaloraError("usage", "This process is one of several ranks already", {
    found: `rank ${launch.rank} of ${launch.worldSize}, started by ${launch.launcher}`,
    fix: "start the command itself, without `scalora launch`",
  });
}

function startAll(options: RanksOptions, envs: readonly NodeJS.ProcessEnv[]): Rank[] {
  const ranks: Rank[] = [];
  try {
    for (const env of envs) ranks.push(start(options, env));
  } catch (cause) {
    signalAll(ranks, "SIGKILL");
    throw cannotStart(options.command, cause);
  }
  return ranks;
}

function start({ command, args, log }: RanksOptions, env: NodeJS.ProcessEnv): Rank {
  const rank = Number(env["RANK"]);
  // A process group of its own: Ctrl-C in a terminal reaches a rank once, through this process; and ending a rank ends its children.
  const child = spawn(command, args, {
    env,
    detached: true,
    stdio: rank === 0 ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
  });
  for (const input of [child.stdout, child.stderr])
    if (input) createInterface({ input }).on("line", (line) => log(`[rank ${rank}] ${line}`));
  const exited = new Promise<RankEnd>((resolve, reject) => {
    child.once("error", (cause) => reject(cannotStart(command, cause)));
    child.once("exit", (code, signal) => resolve({ rank, pid: child.pid, code, signal }));
  });
  return { rank, child, exited, closed: new Promise((resolve) => child.once("close", resolve)) };
}

function cannotStart(command: string, cause: unknown): ScaloraError {
  return new ScaloraError("usage", "The command cannot be started", {
    where: command,
    found: messageOf(cause),
    fix: "give a program that is on the PATH, or a command of scalora (npx scalora --help)",
    cause,
  });
}

/** Whether a rank fails before all have ended. */
async function firstFailure(ranks: readonly Rank[]): Promise<boolean> {
  const all = Promise.all(ranks.map(({ exited }) => exited)).then((ends) => ends.some(hasFailed));
  const each = ranks.map(async ({ exited }) => {
    if (!hasFailed(await exited)) await all;
    return true;
  });
  return await Promise.race([all, ...each]);
}

const hasFailed = ({ code }: RankEnd) => code !== 0;

/** The rank that the ranks name; else, of those that fail together, one that was killed: it is the reason why others lost it. */
function culprit(ended: readonly RankEnd[], verdict: Verdict | undefined): RankFailure | undefined {
  const first = ended.find(({ signal }) => signal !== null) ?? ended.find(hasFailed);
  if (first === undefined) return undefined;
  if (verdict === undefined) return asked(first);
  const { rank, pid, host } = verdict;
  const named = ended.find((end) => end.rank === rank && hasFailed(end));
  if (verdict.kind === "stopped") return asked({ ...(named ?? first), rank, pid });
  return named ?? { ...first, rank, pid, found: `on ${host} ${whatBecame(verdict)}` };
}

function asked(end: RankEnd): RankFailure {
  const askedBy = forwarded.find((name) => end.code === 128 + constants.signals[name]);
  return { ...end, ...(askedBy && { askedBy }) };
}

function exitCodeOf(failure: RankEnd | undefined): number {
  if (failure === undefined) return 0;
  const { code, signal } = failure;
  return code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
}

async function endAll(ranks: readonly Rank[]): Promise<void> {
  signalAll(ranks, "SIGTERM");
  const all = Promise.all(ranks.map(({ exited }) => exited));
  await Promise.race([all, sleep(grace, undefined, { ref: false })]);
  signalAll(ranks, "SIGKILL");
}

/** Signals those that run, and wakes those that are suspended, which do not hear of it otherwise. */
function signalAll(ranks: readonly Rank[], signal: NodeJS.Signals): void {
  for (const { child } of ranks) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
    try {
      process.kill(-child.pid, signal);
      process.kill(-child.pid, "SIGCONT");
    } catch {
      // It has just ended.
    }
  }
}

/** Until `stop`, passes signals on, and ends the ranks if this process exits. */
function forwardSignals(ranks: readonly Rank[]) {
  let came = false;
  const handlers = forwarded.map((signal) => {
    const handler = () => {
      came = true;
      signalAll(ranks, signal);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  const onExit = () => signalAll(ranks, "SIGKILL");
  process.on("exit", onExit);
  return {
    came: () => came,
    stop: () => {
      for (const { signal, handler } of handlers) process.off(signal, handler);
      process.off("exit", onExit);
    },
  };
}
