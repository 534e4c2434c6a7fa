// npm run test:setup: the whole set-up for real, from an empty cache: interrupted while it downloads, installs and
// compiles, and by two processes at once. Downloads 144 MB twice, so it is not part of npm test.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readSetup } from "../src/setup/manifest.ts";
import { cacheFolder, packageRoot } from "../src/setup/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "scalora-setup-"));
const env = { ...process.env, XDG_CACHE_HOME: folder, SCALORA_LIBTORCH: "" };
const cache = cacheFolder(env);
let failed = 0;
let passed = 0;

/** @param output shown when it is not */
function expectThat(what: string, good: boolean, output = "") {
  console.log(`${good ? "ok    " : "FAILED"} ${what}`);
  if (good) passed += 1;
  else failed += 1;
  if (!good) console.log(output);
}

interface Running {
  output: string;
  /** The exit status, once it ended. */
  code: number | null;
  done: Promise<void>;
}

/** Starts a set-up in a process group of its own, as a terminal would. */
function start() {
  const child = spawn(process.execPath, ["src/setup/main.ts"], {
    cwd: packageRoot,
    env,
    detached: true,
  });
  const running: Running = { output: "", code: null, done: Promise.resolve() };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      running.output += text;
    });
  }
  running.done = new Promise((resolve) => {
    child.once("close", (code) => {
      running.code = code ?? 137;
      resolve();
    });
  });
  /** @param all also what it started, or only itself */
  const kill = (all: boolean) => process.kill(all ? -(child.pid ?? 0) : (child.pid ?? 0), "SIGKILL");
  return Object.assign(running, { kill });
}

async function until(condition: () => boolean, running: Running) {
  while (!condition() && running.code === null) await sleep(20);
}

const has = (name: string, pattern: string) =>
  existsSync(join(cache, name)) && readdirSync(join(cache, name)).some((file) => file.includes(pattern));

const stages = [
  ["the download", () => has("wheels", ".part"), 400],
  ["the install", () => has("tmp", "pip-target"), 1500],
  ["the compilation", () => has("objects", ".tmp"), 3000],
] as const;
for (const [stage, begun, delay] of stages) {
  for (const all of [true, false]) {
    const running = start();
    await until(begun, running);
    await sleep(delay);
    running.kill(all);
    await running.done;
    const what = `kill -9 during ${stage} (${all ? "the whole group" : "only the set-up"}) leaves no set-up behind`;
    expectThat(what, running.code === 137 && readSetup({ env }) === undefined, running.output);
  }
}

const [first, second] = [start(), start()];
await Promise.all([first.done, second.done]);
expectThat(
  "two at once both succeed after the interruptions",
  first.code === 0 && second.code === 0,
  first.output + second.output,
);
expectThat(
  "one of them did the work",
  /done: /.test(first.output) !== /done: /.test(second.output),
  first.output + second.output,
);
expectThat(
  "nothing temporary is left",
  !existsSync(join(cache, "tmp")) && !existsSync(join(cache, "wheels")),
);

const started = performance.now();
const again = start();
await again.done;
const seconds = (performance.now() - started) / 1000;
expectThat(`a third finds it done (${seconds.toFixed(2)} s)`, again.code === 0 && seconds < 2, again.output);

rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
