// Node …/server.ts ADDON RECIPE: imports scalora, trains the recipe once, then forks a process for each job that comes on
// standard input, a line of JSON each, and answers with the signal that ended it.
import fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import threads from "node:worker_threads";
import { failAtFileChange } from "../../src/testing/file-fault-injection.ts";
import { type CommandResult, type Job, resultsFile } from "./job.ts";
import { failAtFileRead } from "./read-faults.ts";

const [addon = "", recipe = ""] = process.argv.slice(2);
const { fork, wait }: { fork: (milliseconds: number) => number; wait: () => number } = createRequire(
  import.meta.url,
)(addon);
// Threads do not outlive a fork: locks are touched by a timer where none can be started.
class Worker {
  constructor() {
    throw new Error("no threads");
  }
}
Object.assign(threads, { Worker });
syncBuiltinESMExports();
const { main } = await import(new URL("../../dist/cli/main.js", import.meta.url).href);
// As they are before any fault.
const { renameSync, writeFileSync, writeSync } = fs;

/** Reads a line, and waits for it: an event loop that watches a stream could not be forked. */
function readLine(): string {
  const bytes: number[] = [];
  for (let byte = readByte(); byte !== undefined && byte !== 10; byte = readByte()) bytes.push(byte);
  return Buffer.from(bytes).toString();
}

/** The next byte of standard input, undefined at its end. */
function readByte(): number | undefined {
  const byte = Buffer.alloc(1);
  for (;;) {
    try {
      return fs.readSync(0, byte) === 1 ? byte[0] : undefined;
    } catch (error) {
      // Nothing there yet.
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

async function runCommand(args: readonly string[]): Promise<CommandResult> {
  const [stdout, stderr] = [collector(), collector()];
  const before = process.cpuUsage();
  const code = await main(args, { stdout, stderr, env: {}, prepareEngine: async () => {} });
  const { user, system } = process.cpuUsage(before);
  return { code, stdout: stdout.text, stderr: stderr.text, milliseconds: (user + system) / 1000 };
}

function collector() {
  return {
    text: "",
    isTTY: false,
    columns: 100,
    write(text: string) {
      this.text += text;
    },
  };
}

/** Does the job in the forked process, which ends by a signal: ending in order is the server's alone. */
async function work({ commands, folder, fault, readFault }: Job) {
  const kill = () => process.kill(process.pid, "SIGKILL");
  Object.defineProperty(process, "pid", { value: Number(fs.readlinkSync("/proc/self")) });
  if (fault) failAtFileChange(fault.at, fault.error === undefined ? kill : () => fail(fault.error));
  if (readFault) failAtFileRead(readFault.at, readFault.below);
  const results: CommandResult[] = [];
  for (const command of commands) results.push(await runCommand(command));
  const file = join(folder, resultsFile);
  writeFileSync(`${file}.tmp`, JSON.stringify(results));
  renameSync(`${file}.tmp`, file);
  kill();
}

function fail(code = "EIO"): never {
  const text = code === "ENOSPC" ? "no space left on device" : "i/o error";
  throw Object.assign(new Error(`${code}: ${text}, write`), { code });
}

const { code, stderr } = await runCommand(["train", recipe, "--set", "run.name=first"]);
if (code !== 0) throw new Error(stderr);
writeSync(1, "ready\n");
for (let line = readLine(); line !== ""; line = readLine()) {
  const job: Job = JSON.parse(line);
  if (fork(job.killAfter ?? 0) === 0) await work(job);
  writeSync(1, `${wait()}\n`);
}
