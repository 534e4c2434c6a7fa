// What training costs a program that answers requests meanwhile, and what these cost the training:
//   npm run tool -- bench/event-loop.ts [--model NAME-OR-FOLDER]… [--steps 40] [--rounds 3] [--every 10]
// A server in this process answers GET /health, for which another process asks every so many milliseconds: while this one is idle,
// while fineTune loads a model, and while it trains. The same recipe is trained as `scalora train` does, in a process's main thread,
// and by fineTune, with and without requests, in turns; each by the clock and by the CPU time of its process, which others on the
// machine change little.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadRecipe } from "../src/config/index.ts";
import { fineTune } from "../src/fine-tune/fine-tune.ts";
import { runTraining } from "../src/recipes/run-training.ts";
import type { RunEvent } from "../src/run/events.ts";
import { keepFreedMemory } from "../src/torch/index.ts";
import { elementAt } from "../src/util/elements.ts";
import { setEngineVariables } from "../src/util/engine-variables.ts";
import { rangeOf } from "./peer/statistics.ts";
import { median } from "./sides.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", multiple: true, default: ["assets/tiny", "smollm2-135m-instruct"] },
    steps: { type: "string", default: "40" },
    rounds: { type: "string", default: "3" },
    every: { type: "string", default: "10" },
    /** Of a process that trains a run's recipe in its main thread: the run's folder. */
    side: { type: "string" },
  },
});
const [steps = 1, rounds = 1, every] = [options.steps, options.rounds, options.every].map(Number);
const scratch = mkdtempSync(join(tmpdir(), "scalora-event-loop-"));

/** Steps that are not counted: buffers are new. */
const warmUp = 3;

/** Asks for an address every so many milliseconds, and sends the milliseconds of each answer when it is told to. */
const asking = `const [address, every] = process.argv.slice(1);
let latencies = [];
const ask = async () => {
  const started = performance.now();
  await (await fetch(address)).text();
  latencies.push(performance.now() - started);
};
setInterval(() => ask().catch((error) => { if (process.connected) throw error; }), Number(every));
process.on("message", () => { process.send(latencies); latencies = []; });
process.on("disconnect", () => process.exit());`;

/** Rows of conversations for the chat model; the tiny one knows the words of its own language only. */
const conversations = Array.from({ length: 96 }, (_, i) => ({
  messages: [
    { role: "system", content: "Turn the message into a record." },
    {
      role: "user",
      content: `Hello, the lamp of order ${1000 + 37 * i} came with a broken switch. What can I do about it?`,
    },
    { role: "assistant", content: `{"topic": "damage", "product": "lamp", "order": ${1000 + 37 * i}}` },
  ],
}));

class Client implements Disposable {
  private readonly child: ChildProcess;

  constructor(address: string) {
    this.child = spawn(process.execPath, ["-e", asking, address, `${every}`], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
  }

  /** The latencies since the last call. */
  async take(): Promise<number[]> {
    this.child.send("take");
    const [latencies] = await once(this.child, "message");
    return latencies;
  }

  [Symbol.dispose](): void {
    this.child.disconnect();
  }
}

/** Median, 99th percentile and worst of some milliseconds. */
function latencyCells(latencies: readonly number[]): string[] {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) =>
    elementAt(sorted, Math.min(sorted.length - 1, Math.floor(share * sorted.length)));
  return [`${sorted.length}`, ...[at(0.5), at(0.99), at(1)].map((value) => value.toFixed(1))];
}

const print = (...cells: readonly string[]) => process.stdout.write(`| ${cells.join(" | ")} |\n`);
const isTiny = (model: string) => model.endsWith("tiny");

/** What the steps of a run take, in milliseconds: of the clock, and of the process's CPU time. */
interface StepTimes {
  readonly wall: number;
  readonly cpu: number;
}

/** Notes the times of the steps after the first ones. */
class StepClock {
  private readonly marks: StepTimes[] = [];

  note({ type }: RunEvent): void {
    if (type !== "step") return;
    const { user, system } = process.cpuUsage();
    this.marks.push({ wall: performance.now(), cpu: (user + system) / 1000 });
  }

  times(): StepTimes {
    const [first, last] = [elementAt(this.marks, warmUp), elementAt(this.marks, this.marks.length - 1)];
    const count = this.marks.length - 1 - warmUp;
    return { wall: (last.wall - first.wall) / count, cpu: (last.cpu - first.cpu) / count };
  }
}

/** Trains the recipe of a model with fineTune. */
async function trainHere(model: string, name: string, onFirstStep = async () => {}) {
  const count = steps * (isTiny(model) ? 10 : 1);
  const clock = new StepClock();
  const run = fineTune({
    model,
    data: { train: isTiny(model) ? "examples/data/train.jsonl" : conversations, eval: "none" },
    method: "lora",
    train: { steps: count, saveEvery: count },
    run: { folder: scratch, name, samples: 0 },
  });
  for await (const event of run) {
    if (event.type !== "activity") clock.note(event);
    if (event.type === "step" && event.step === 1) await onFirstStep();
  }
  await run.close();
  return { folder: run.folder, times: clock.times() };
}

/** Trains the recipe of a run in the main thread of another process, as the command line does. */
async function trainThere(run: string): Promise<StepTimes> {
  const program = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...process.execArgv, program, "--side", run], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(await text(child.stdout));
}

/** The process of `trainThere`. */
async function trainInMainThread(run: string): Promise<void> {
  setEngineVariables(process.env);
  keepFreedMemory();
  const recipe = loadRecipe(join(run, "config.yaml"));
  const clock = new StepClock();
  const { signal } = new AbortController();
  const onEvent = (event: RunEvent) => clock.note(event);
  await runTraining({ ...recipe, run: { ...recipe.run, folder: scratch } }, { signal, onEvent });
  console.log(JSON.stringify(clock.times()));
}

async function measure(model: string, address: string): Promise<void> {
  const label = isTiny(model) ? "tiny" : model;
  const { folder } = await trainHere(model, `${label}-first`);
  const there: StepTimes[] = [];
  const here: StepTimes[] = [];
  const requested: StepTimes[] = [];
  for (let round = 0; round < rounds; round++) {
    there.push(await trainThere(folder));
    here.push((await trainHere(model, `${label}-here-${round}`)).times);
    using client = new Client(address);
    await sleep(500);
    await client.take();
    await sleep(3000);
    print(label, "idle", ...latencyCells(await client.take()));
    const loading: number[] = [];
    const { times } = await trainHere(model, `${label}-asked-${round}`, async () => {
      loading.push(...(await client.take()));
    });
    print(label, "loading", ...latencyCells(loading));
    print(label, "training", ...latencyCells(await client.take()));
    requested.push(times);
  }
  for (const by of ["wall", "cpu"] as const) {
    const ratio = (times: readonly StepTimes[]) => {
      const {
        least,
        median: middle,
        most,
      } = rangeOf(times.map((time, i) => time[by] / elementAt(there, i)[by]));
      return `${middle.toFixed(3)} (${least.toFixed(3)}–${most.toFixed(3)})`;
    };
    const own = median(there.map((time) => time[by])).toFixed(1);
    print(
      label,
      `a step in the main thread, ${by}: ${own} ms`,
      `fineTune: × ${ratio(here)}`,
      `and requests: × ${ratio(requested)}`,
    );
  }
}

async function main(): Promise<void> {
  const server = createServer((_, response) => void response.end("ok\n"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const load = loadavg().map((each) => each.toFixed(1));
  process.stdout.write(`${availableParallelism()} processors, load ${load.join(", ")}\n`);
  print("model", "while", "requests", "median ms", "99 %", "worst");
  for (const model of options.model) await measure(model, `http://127.0.0.1:${address.port}/health`);
  server.close();
}

try {
  await (options.side === undefined ? main() : trainInMainThread(options.side));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
