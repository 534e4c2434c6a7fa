// The ranks of one job as processes, each started with the variables of a launcher.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packageRoot } from "../../src/setup/paths.ts";

/** How a rank ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface JobOptions {
  readonly size: number;
  readonly args: (rank: number) => readonly string[];
  readonly port: number;
  readonly cwd: string;
  /** The words before the command of a rank: `ip netns exec …`. */
  readonly prefix?: (rank: number) => readonly string[];
  /** More variables. */
  readonly env: NodeJS.ProcessEnv;
}

/** `scalora` on several ranks; all are ended with it. */
export class Job implements Disposable {
  readonly ranks: readonly ChildProcess[];
  readonly ended: readonly Promise<Ended>[];

  constructor({ size, args, port, cwd, prefix = () => [], env }: JobOptions) {
    this.ranks = Array.from({ length: size }, (_, rank) => {
      const [command = "", ...words] = [
        ...prefix(rank),
        process.execPath,
        join(packageRoot, "bin/scalora.mjs"),
        ...args(rank),
      ];
      const variables = {
        RANK: `${rank}`,
        WORLD_SIZE: `${size}`,
        LOCAL_WORLD_SIZE: `${size}`,
        LOCAL_RANK: `${rank}`,
        MASTER_ADDR: "127.0.0.1",
        MASTER_PORT: `${port}`,
        OMP_NUM_THREADS: "1",
        SCALORA_GEMM_BACKEND: "aten",
        NO_COLOR: "1",
      };
      return spawn(command, words, {
        cwd,
        env: { ...process.env, ...variables, ...env },
        stdio: ["ignore", "ignore", "pipe"],
      });
    });
    this.ended = this.ranks.map((child) => endOf(child));
  }

  /** The ends of all ranks, those that are still there after so many milliseconds with a code of null and no signal. */
  async all(limit: number): Promise<Ended[]> {
    const late = sleep(limit, undefined, { ref: false }).then(() => undefined);
    const ends = await Promise.all(this.ended.map((end) => Promise.race([end, late])));
    return ends.map((end) => end ?? { code: null, signal: null, stderr: "", at: Date.now() });
  }

  isRunning(): boolean {
    return this.ranks.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  }

  kill(rank: number, signal: NodeJS.Signals): void {
    this.ranks[rank]?.kill(signal);
  }

  [Symbol.dispose](): void {
    for (const child of this.ranks) child.kill("SIGKILL");
  }
}

function endOf(child: ChildProcess): Promise<Ended> {
  let stderr = "";
  child.stderr?.on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    let at = 0;
    child.once("exit", () => {
      at = Date.now();
    });
    child.once("close", (code, signal) => resolve({ code, signal, stderr, at }));
  });
}
