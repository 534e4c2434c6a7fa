// A rank of a job that compares: node … ranks-main.ts <scenario>. Rank 0 prints what came of it.
import { initProcessGroup } from "../../distributed/index.ts";
import { messageOf } from "../../util/errors.ts";
import { compareOnRanks } from "../processes-on-ranks.ts";
import type { ProcessEnd, RunProcess } from "../run-process.ts";

const [scenario = ""] = process.argv.slice(2);
const controller = new AbortController();
process.once("SIGTERM", () => controller.abort(new Error("stopped by SIGTERM")));

/** Runs a script twice at once: on rank 0, and on rank 1. */
const twice = (run: RunProcess, script: string, stop: AbortSignal) =>
  Promise.all([0, 1].map(() => run([process.execPath, "-e", script], 2, stop)));

const idle = "setInterval(() => {}, 1000)";
const started = "console.log(process.pid);";
/** Signals the rank that runs it, if that is not rank 0. */
const signalOther = (signal: string) =>
  `${started} if (process.ppid !== ${process.pid}) process.kill(process.ppid, "${signal}"); ${idle}`;

const pidOf = ({ stdout }: ProcessEnd) => Number(stdout);
const lives = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const scenarios: Record<string, (run: RunProcess, stop: AbortSignal) => Promise<unknown>> = {
  /** Two processes, then two that rank 0 stops. */
  async shared(run, stop) {
    const ends = await twice(
      run,
      "const { ppid, env } = process; console.log(ppid, env.RANK, env.WORLD_SIZE, env.OMP_NUM_THREADS)",
      stop,
    );
    setTimeout(() => controller.abort(), 500);
    const stopped = await twice(run, idle, stop);
    return {
      outputs: ends.map(({ stdout }) => stdout.replace(`${process.pid} `, "rank 0: ")),
      killed: stopped.map(({ killed }) => killed),
    };
  },
  /** Rank 1 is asked to stop, and more work would follow. */
  async stopped(run, stop) {
    const ends = await twice(run, signalOther("SIGTERM"), stop);
    return { killed: ends.map(({ killed }) => killed), why: messageOf(stop.reason) };
  },
  /** Rank 1 is killed; the process of rank 0 does not end by itself. */
  async killed(run, stop) {
    const ignores = `process.on("SIGTERM", () => {}); ${signalOther("SIGKILL")}`;
    const [here, there] = [0, 1].map(() => run([process.execPath, "-e", ignores], 2, stop));
    const error = await there?.then(String, messageOf);
    const end = await here;
    return { error, killed: end?.killed, lives: end && lives(pidOf(end)), why: messageOf(stop.reason) };
  },
};

using group = await initProcessGroup();
const begun = performance.now();
await compareOnRanks(group, 1, controller.signal, async ({ run, ranks }, stop) => {
  const result = await scenarios[scenario]?.(run, stop);
  const seconds = (performance.now() - begun) / 1000;
  console.log(JSON.stringify({ ranks, result, seconds }));
}).catch(() => {
  process.exitCode = 1;
});
