// What a step of each method costs beside LoRA's, in time and memory, on linear layers alone, in one run:
//   OMP_NUM_THREADS=1 npx tsx bench/methods.ts [WIDTH]
// Four layers of WIDTH × WIDTH (1024), 512 tokens, rank 8, forward, backward and AdamW in fp32. Time: CPU time of this
// process, so that others on the machine do not count; the methods take turns, and the sums of 20 steps are compared: two
// events of ScaLoRA-I, one restart of ReLoRA and of Flora. Factored bases are full before, so that each event is a
// recompression. Numbers: trained ones, and all that is kept beside the weights as they are loaded (trained values,
// gradients, moments, and what a checkpoint holds beside), over LoRA's. Peak (Linux): a process of its own for each; the most
// memory that it held in these steps beyond what it held with the model alone.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type AdapterOptions, attach, listMethods } from "../src/adapters/index.ts";
import { AdamW } from "../src/optim/index.ts";
import { quantiseLinearLayers } from "../src/testing/quantise-model.ts";
import * as torch from "../src/torch/index.ts";
import { elementAt, required, takeFirst } from "../src/util/elements.ts";
import { LayerStack } from "./layer-stack.ts";

const [layers, tokens, warmup, measured] = [4, 512, 2, 20];
const [width, alone] = [Number(process.argv[2] ?? 1024), process.argv[3]];
if (!Number.isInteger(width) || width < 64) throw new Error("usage: bench/methods.ts [WIDTH, 64 or more]");

interface Setting {
  readonly options: AdapterOptions;
  /** Steps before the clock starts, beyond the common ones. */
  readonly filling?: number;
}

const rank = 8;
const settings: Readonly<Record<string, Setting>> = {
  LoRA: { options: { method: "lora", rank } },
  QLoRA: { options: { method: "qlora", rank } },
  "LoRA+": { options: { method: "lora+", rank } },
  "LoRA-GA": { options: { method: "lora-ga", rank } },
  PiSSA: { options: { method: "pissa", rank } },
  DoRA: { options: { method: "dora", rank } },
  HiRA: { options: { method: "hira", rank } },
  "FourierFT, 1,000 frequencies": { options: { method: "fourierft", frequencies: 1000 } },
  "MoRA, rotation": { options: { method: "mora", rank } },
  ScaLoRA: { options: { method: "scalora", rank } },
  "ScaLoRA-I": { options: { method: "scalora-i", rank } },
  "ScaLoRA, magnitude": { options: { method: "scalora", rank, magnitude: true } },
  "ScaLoRA-I, magnitude": { options: { method: "scalora-i", rank, magnitude: true } },
  "ScaLoRA, factored": { options: { method: "scalora", rank, base: "factored" }, filling: 20 },
  "ScaLoRA-I, factored": { options: { method: "scalora-i", rank, base: "factored" }, filling: 100 },
  "ReLoRA, every 20": { options: { method: "relora", rank, interval: measured } },
  "Flora, every 20": { options: { method: "flora", rank, interval: measured } },
  "full fine-tuning": { options: { method: "full" } },
};

function prepare({ options }: Setting) {
  const stack = new LayerStack(width, layers);
  const model = options.method === "qlora" ? quantiseLinearLayers(stack) : stack;
  torch.releaseFreeMemory();
  const resident = process.memoryUsage.rss();
  const adapters = attach(model, options, 0);
  const optimizer = new AdamW(adapters.trainables());
  using generator = new torch.Generator(1, "cpu");
  const x = torch.randn([tokens, width], { generator, device: "cpu" }).keep();
  const step = (number: number) =>
    torch.scope(() => {
      const moments = (moment: string) => optimizer.moments(moment);
      const context = { step: number, warmupSteps: 0, peakLr: 1e-4, lr: 1e-4, moments };
      adapters.beforeForward(context);
      torch.sum(torch.square(model.forward(x))).backward();
      torch.noGrad(() => adapters.beforeClip(context));
      optimizer.step(1e-4);
      adapters.zeroGrad();
    });
  const count = (tensors: Iterable<torch.Tensor>) => [...tensors].reduce((sum, { numel }) => sum + numel, 0);
  const kept = () =>
    count(adapters.state().values()) +
    count(adapters.trainables().map(({ grad }) => grad)) +
    count(optimizer.state().values()) -
    // The stores of the merging methods hold the weights in place of the loaded ones.
    (adapters.method === "full" || [...adapters.state().keys()].some((key) => key.endsWith(".base"))
      ? layers * width * width
      : 0);
  return { step, kept, resident, trained: adapters.parameterCounts().trainable };
}

/** MiB that the steps of a setting need at most beyond the model, in a process of its own. */
function peakOf(name: string): number {
  const [node, program] = takeFirst(process.argv, 2);
  const args = [...process.execArgv, program, String(width), name];
  return Number(execFileSync(node, args, { encoding: "utf8" }));
}

function printPeak({ filling, ...setting }: Setting): void {
  const { step, resident } = prepare(setting);
  // Linux then counts its peak from here on, not from the start of the process.
  writeFileSync("/proc/self/clear_refs", "5");
  for (let number = 1; number <= (filling ?? 0) + warmup + measured; number++) step(number);
  const [, peak] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  console.log(Number(peak) / 2 ** 10 - resident / 2 ** 20);
}

function printTable(): void {
  const missing = listMethods()
    .map(({ name }) => name)
    .filter((name) => !Object.values(settings).some(({ options }) => options.method === name));
  if (missing.length > 0) throw new Error(`bench/methods.ts lacks ${missing.join(", ")}`);
  const all = Object.entries(settings).map(([name, setting]) => ({
    name,
    filling: setting.filling ?? 0,
    ...prepare(setting),
    spent: 0,
  }));
  for (const { filling, step } of all) for (let number = 1; number <= filling; number++) step(number);
  for (let round = 1; round <= warmup + measured; round++)
    for (const each of all) {
      const before = process.cpuUsage();
      each.step(round + each.filling);
      const { user, system } = process.cpuUsage(before);
      if (round > warmup) each.spent += (user + system) / 1000 / measured;
    }
  const lora = elementAt(all, 0);
  const loraKept = lora.kept();
  console.log(`width ${width}; LoRA: ${lora.spent.toFixed(1)} ms of CPU a step`);
  console.log(`${"method".padEnd(28)}   time  trained   kept  peak`);
  for (const { name, spent, trained, kept } of all) {
    const ratios = [spent / lora.spent, trained / lora.trained, kept() / loraKept];
    const [time, numbers, held] = takeFirst(
      ratios.map((ratio) => ratio.toFixed(2)),
      3,
    );
    const peak = `${peakOf(name).toFixed(0)} MiB`;
    console.log(
      `${name.padEnd(28)} ${time.padStart(6)} ${numbers.padStart(8)} ${held.padStart(6)} ${peak.padStart(8)}`,
    );
  }
}

torch.setThreads(1);
torch.keepFreedMemory();
if (alone === undefined) printTable();
else printPeak(required(settings[alone], alone));
