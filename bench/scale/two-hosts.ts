// Training on two "hosts", network namespaces between which packets are delayed and lost: the losses must be to the bit those of
// one process, and the steps are compared with the forecast. Linux, as root, with ip, python3 and /dev/net/tun.
//   OMP_NUM_THREADS=1 node --import tsx bench/scale/two-hosts.ts
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { forecastRanks } from "../../src/forecast/forecast-ranks.ts";
import { fittingThreads, usableCores } from "../../src/util/usable-cores.ts";
import { markdownTable } from "../peer/markdown.ts";
import { costsOf, recorded, runToEnd, scalora, type Training, writeRecipe } from "./training.ts";

const hosts = [`scalora-a-${process.pid}`, `scalora-b-${process.pid}`];
const master = { MASTER_ADDR: "10.77.0.1", MASTER_PORT: "29511" };
const training: Training = {
  title: "tiny, LoRA",
  model: "assets/tiny",
  batchTokens: 256,
  steps: 40,
  adapter: { method: "lora", rank: 4 },
};

/** A link between the hosts. */
interface Link {
  /** Milliseconds each way. */
  readonly delay: number;
  /** Of a hundred packets. */
  readonly loss: number;
}

const links: readonly Link[] = [
  { delay: 0, loss: 0 },
  { delay: 1, loss: 0 },
  { delay: 10, loss: 0 },
  { delay: 0, loss: 0.1 },
  { delay: 1, loss: 0.1 },
  { delay: 10, loss: 0.1 },
];

/** Runs while the hosts are linked. */
async function linked<T>({ delay, loss }: Link, run: () => Promise<T>): Promise<T> {
  const script = fileURLToPath(new URL("delayed-link.py", import.meta.url));
  for (const host of hosts) execFileSync("ip", ["netns", "add", host]);
  const wire = spawn("python3", [script, ...hosts, `${delay}`, `${loss / 100}`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    await ready(wire);
    return await run();
  } finally {
    wire.kill();
    for (const host of hosts) execFileSync("ip", ["netns", "delete", host]);
  }
}

function ready(wire: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    wire.stdout?.once("data", () => resolve());
    wire.once("exit", (code) => reject(new Error(`the link ended with ${code}`)));
  });
}

/** Runs a command as ranks of two hosts, the first half on the first one. @returns the output of rank 0 */
async function onHosts(size: number, command: readonly string[]): Promise<string> {
  const ranks = Array.from({ length: size }, (_, rank) => {
    const host = hosts[Math.floor((2 * rank) / size)] ?? "";
    const env = { ...master, RANK: `${rank}`, WORLD_SIZE: `${size}` };
    return runToEnd(["ip", "netns", "exec", host, ...command], env);
  });
  const [first = ""] = await Promise.all(ranks);
  return first;
}

const network = [
  process.execPath,
  ...scalora.slice(1, -1),
  fileURLToPath(new URL("network.ts", import.meta.url)),
];
const costs = await costsOf(training);
const rows: string[][] = [];
for (const size of [2, 4]) {
  const alone = `alone-${size}`;
  await runToEnd([...scalora, "train", writeRecipe(training, alone, size)]);
  const undelayed = JSON.parse(await linked({ delay: 0, loss: 0 }, () => onHosts(size, network)));
  process.stderr.write(`${JSON.stringify(undelayed)}\n`);
  for (const link of links) {
    const name = `hosts-${size}-${link.delay}-${link.loss}`;
    const recipe = writeRecipe(training, name);
    await linked(link, () => onHosts(size, [...scalora, "train", recipe]));
    const { losses, seconds } = recorded(name);
    const sameBits = losses.every((loss, i) => Object.is(loss, recorded(alone).losses[i]));
    const delayed = { ...undelayed, latency: undelayed.latency + link.delay / 1000 };
    const length = { steps: training.steps, evaluations: 0, checkpoints: 1 };
    const { step } = forecastRanks(costs, length, { size, network: delayed });
    const share = Math.max(1, size / fittingThreads(usableCores()));
    const predicted = share * (step.compute + step.batches + step.exchange) + step.network;
    const milliseconds = (value: number) => (1000 * value).toPrecision(3);
    rows.push([
      `2 × ${size / 2}`,
      `${link.delay} ms`,
      `${link.loss} %`,
      sameBits ? "yes" : "NO",
      milliseconds(predicted),
      milliseconds(seconds),
      (predicted / seconds).toFixed(2),
    ]);
    process.stderr.write(`${rows.at(-1)?.join("  ")}\n`);
    if (!sameBits) process.exitCode = 1;
  }
}
const heads = ["hosts × ranks", "delay each way", "loss", "bits of one process"];
console.log(markdownTable([...heads, "forecast, ms", "measured, ms", "forecast : measured"], rows));
