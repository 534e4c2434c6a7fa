// What training costs a program that answers requests meanwhile, and what these cost the training:
//   npm run tool -- bench/event-loop.ts [--model NAME-OR-FOLDER]… [--steps 40] [--rounds 3] [--every 10]
// A server in this process answers GET /health, for which another process asks every so many milliseconds: while this one is idle,
// while fineTune loads a model, and while it trains. The same recipe is trained by `scalora train` and by fineTune, with and without
// requests, in turns.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fineTune } from "../src/fine-tune/fine-tune.ts";
import { eventsOfType } from "../src/run/events.ts";
import { readEvents } from "../src/run/read-events.ts";
import { elementAt } from "../src/util/elements.ts";
import { rangeOf } from "./peer/statistics.ts";
import { median } from "./sides.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", multiple: true, default: ["assets/tiny", "smollm2-135m-instruct"] },
    steps: { type: "string", default: "40" },
    rounds: { type: "string", default: "3" },
    every: { type: "string", default: "10" },
  },
});
const [steps, rounds, every] = [options.steps, options.rounds, options.every].map(Number);
const scratch = mkdtempSync(join(tmpdir(), "scalora-event-loop-"));
const executable = fileURLToPath(new URL("../bin/scalora.mjs", import.meta.url));

/** Steps that are not counted: buffers are new. */
const warmUp = 3;

/** Asks for an address every so many milliseconds, and sends the milliseconds of each answer when it is told to. */
const asking = `const [address, every] = process.argv.slice(1);
let latencies = [];
setInterval(async () => {
  const started = performance.now();
  await (await fetch(address)).text();
  latencies.push(performance.now() - started);
}, Number(every));
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

/** Trains the recipe of a model with fineTune. @returns the run's folder */
async function trainHere(model: string, name: string, onFirstStep = async () => {}): Promise<string> {
  const count = (steps ?? 0) * (isTiny(model) ? 10 : 1);
  const run = fineTune({
    model,
    data: { train: isTiny(model) ? "examples/data/train.jsonl" : conversations, eval: "none" },
    method: "lora",
    train: { steps: count, saveEvery: count },
    run: { folder: scratch, name, samples: 0 },
  });
  for await (const event of run) if (event.type === "step" && event.step === 1) await onFirstStep();
  await run.close();
  return run.folder;
}

/** Trains the recipe of a run with the command line. */
function trainThere(run: string, name: string): string {
  const { status, stderr } = spawnSync(
    process.execPath,
    [executable, "train", join(run, "config.yaml"), "--set", `run.name=${name}`],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return join(scratch, name);
}

/** Median seconds of a step. */
const stepSeconds = (run: string) =>
  median(
    eventsOfType(readEvents(run), "step")
      .slice(warmUp)
      .map(({ seconds }) => seconds),
  );

async function measure(model: string, address: string): Promise<void> {
  const label = isTiny(model) ? "tiny" : model;
  const first = await trainHere(model, `${label}-first`);
  const requested: number[] = [];
  const here: number[] = [];
  const there: number[] = [];
  for (let round = 0; round < (rounds ?? 1); round++) {
    there.push(stepSeconds(trainThere(first, `${label}-there-${round}`)));
    here.push(stepSeconds(await trainHere(model, `${label}-here-${round}`)));
    using client = new Client(address);
    await sleep(500);
    await client.take();
    await sleep(3000);
    print(label, "idle", ...latencyCells(await client.take()));
    const loading: number[] = [];
    const run = await trainHere(model, `${label}-asked-${round}`, async () => {
      loading.push(...(await client.take()));
    });
    print(label, "loading", ...latencyCells(loading));
    print(label, "training", ...latencyCells(await client.take()));
    requested.push(stepSeconds(run));
  }
  const ratios = (times: readonly number[]) => {
    const { least, median: middle, most } = rangeOf(times.map((time, i) => time / elementAt(there, i)));
    return `${middle.toFixed(3)} (${least.toFixed(3)}–${most.toFixed(3)})`;
  };
  const milliseconds = (1000 * median(there)).toFixed(1);
  print(
    label,
    `a step of scalora train: ${milliseconds} ms`,
    `fineTune: × ${ratios(here)}`,
    `with requests: × ${ratios(requested)}`,
  );
}

const server = createServer((_, response) => void response.end("ok\n"));
try {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  process.stdout.write(
    `${availableParallelism()} processors, load ${loadavg()
      .map((each) => each.toFixed(1))
      .join(", ")}\n`,
  );
  print("model", "while", "requests", "median ms", "99 %", "worst");
  for (const model of options.model) await measure(model, `http://127.0.0.1:${address.port}/health`);
} finally {
  server.close();
  rmSync(scratch, { recursive: true, force: true });
}
