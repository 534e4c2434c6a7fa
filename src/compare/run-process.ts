import { spawn } from "node:child_process";
import { variablesOfOne } from "../distributed/launch.ts";
import { launchOrAlone } from "../distributed/read-launch.ts";

/** How a program ended, with the end of what it wrote. */
export interface ProcessEnd {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly killed: NodeJS.Signals | null;
}

/** `runProcess`, on this machine or another. */
export type RunProcess = typeof runProcess;

/** How a trial's processes are run. */
export interface ProcessHooks {
  readonly signal: AbortSignal;
  readonly run: RunProcess;
}

/** Characters kept of each output. */
const maxOutput = 1_000_000;

/** Milliseconds in which a process that is to be killed can end by itself. */
const lastChance = 1000;

/**
 * Runs a program to its end, as a process that is no rank of this one's job. Ctrl-C reaches it only once, through the signal.
 * @param threads of its matrix products; undefined: as the environment sets them
 * @param signal stops it (SIGTERM), and waits for it
 * @param lost aborts with the signal, and kills what has not ended a moment later
 */
export function runProcess(
  [program = "", ...args]: readonly string[],
  threads: number | undefined,
  signal: AbortSignal,
  lost?: AbortSignal,
): Promise<ProcessEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      // In its own process group: otherwise it would also get the terminal's Ctrl-C, and a second signal stops without saving.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        ...variablesOfOne(launchOrAlone(process.env)),
        ...(threads !== undefined && { OMP_NUM_THREADS: String(threads) }),
      },
    });
    const stop = () => child.kill("SIGTERM");
    const kill = () => child.kill("SIGKILL");
    let killing: NodeJS.Timeout | undefined;
    const lose = () => {
      killing = setTimeout(kill, lastChance);
    };
    signal.addEventListener("abort", stop, { once: true });
    lost?.addEventListener("abort", lose, { once: true });
    process.once("exit", kill);
    const done = () => {
      signal.removeEventListener("abort", stop);
      lost?.removeEventListener("abort", lose);
      clearTimeout(killing);
      process.off("exit", kill);
    };
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout = (stdout + text).slice(-maxOutput);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-maxOutput);
    });
    child.once("error", (error) => {
      done();
      reject(error);
    });
    child.once("close", (code, killed) => {
      done();
      resolve({ stdout, stderr, code, killed });
    });
    if (signal.aborted) stop();
    if (lost?.aborted) lose();
  });
}

/** The last error that a program printed, or the signal that ended it. */
export function errorOf({ stderr, killed }: ProcessEnd): string {
  if (killed !== null) return `the process was ended by ${killed}`;
  const at = stderr.lastIndexOf("error:");
  return (at < 0 ? stderr.slice(-1000) : stderr.slice(at)).trim() || "nothing";
}
