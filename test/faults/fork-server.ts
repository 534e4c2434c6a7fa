import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findCompiler } from "../../src/setup/compile-addon.ts";
import { packageRoot } from "../../src/setup/paths.ts";
import { type Job, type JobResult, resultsFile } from "./job.ts";
import { apart, MountedDisk } from "./mounts.ts";

const local = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Compiles `fork.cpp`, once for each version of it. @returns the addon's path */
async function buildAddon(): Promise<string> {
  const source = readFileSync(local("fork.cpp"));
  const folder = join(packageRoot, ".local", "faults");
  const addon = join(folder, `fork-${createHash("sha256").update(source).digest("hex").slice(0, 16)}.node`);
  if (existsSync(addon)) return addon;
  mkdirSync(folder, { recursive: true });
  const { path } = await findCompiler();
  const { include_dir: headers } = createRequire(import.meta.url)("node-api-headers");
  const made = join(mkdtempSync(join(folder, "build-")), "fork.node");
  const args = ["-std=c++20", "-O1", "-shared", "-fPIC", `-I${headers}`, local("fork.cpp"), "-o", made];
  const { status, stderr } = spawnSync(path, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`fork.cpp does not compile: ${stderr}`);
  renameSync(made, addon);
  return addon;
}

/** Processes that have loaded everything already, forked from one that did. */
export class ForkServer implements Disposable {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterableIterator<string>;
  private readonly folder: string;

  private constructor(addon: string, recipe: string, folder: string) {
    this.folder = folder;
    const env = {
      ...process.env,
      OMP_NUM_THREADS: "1",
      SCALORA_GEMM_BACKEND: "aten",
      // Threads do not outlive a fork.
      TOKENIZERS_PARALLELISM: "false",
      UV_USE_IO_URING: "0",
    };
    const args = ["--single-threaded", "--no-warnings", local("server.ts"), addon, recipe];
    const child = spawn(...apart(process.execPath, args), { env, stdio: ["pipe", "pipe", "inherit"] });
    this.child = child;
    this.lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  /**
   * Starts the server.
   * @param recipe trained once before the first fork
   * @param folder for what the processes print
   */
  static async start(recipe: string, folder: string): Promise<ForkServer> {
    const server = new ForkServer(await buildAddon(), recipe, folder);
    await server.answer();
    return server;
  }

  /** Runs command lines in a process of their own. */
  async run(job: Omit<Job, "folder">): Promise<JobResult> {
    const file = join(this.folder, resultsFile);
    rmSync(file, { force: true });
    this.child.stdin?.write(`${JSON.stringify({ ...job, folder: this.folder })}\n`);
    const signal = Number(await this.answer());
    // A process that came to its end leaves its results and then kills itself.
    const isDone = existsSync(file);
    return { results: isDone ? JSON.parse(readFileSync(file, "utf8")) : [], signal: isDone ? 0 : signal };
  }

  /** A disk of so many bytes, which the server's processes see at this path, and others by `seen`. */
  mount(path: string, bytes: number): MountedDisk {
    return new MountedDisk(this.pid, path, bytes);
  }

  /** The path under which other processes see what is at this path for those of the server. */
  seen(path: string): string {
    return `/proc/${this.pid}/root${path}`;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error("the server of forked processes has not started");
    return this.child.pid;
  }

  private async answer(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the server of forked processes has ended");
    return value;
  }

  [Symbol.dispose](): void {
    this.child.kill("SIGKILL");
  }
}
