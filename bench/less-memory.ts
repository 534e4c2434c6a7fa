// What a LoRA step pays for less memory: recomputed activations, weights in 4 bits.
//   npm run tool -- bench/less-memory.ts --model FOLDER [--tokens 512,2048] [--rounds 3] [--dtype bfloat16] [--only QLoRA]
// Processes take turns, on one thread. Each does a small forward and backward pass to warm up and then one over the given number
// of tokens, in rows of 256, every second token a label. Tensors: the most that those made in the pass take together. Process:
// the memory that is resident near that peak.
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { attach } from "../src/adapters/index.ts";
import { collate, type Example } from "../src/data/index.ts";
import { loadModel } from "../src/models/index.ts";
import { backward, RecomputedPass } from "../src/nn/index.ts";
import * as torch from "../src/torch/index.ts";
import { objectiveOf } from "../src/train/objective.ts";
import { takeFirst, zip } from "../src/util/elements.ts";
import { median } from "./sides.ts";

const settings = ["LoRA", "LoRA, recomputed", "QLoRA", "QLoRA, recomputed"] as const;
type Setting = (typeof settings)[number];

const { values: options } = parseArgs({
  options: {
    model: { type: "string" },
    tokens: { type: "string", default: "512,2048" },
    rounds: { type: "string", default: "3" },
    dtype: { type: "string", default: "float32" },
    only: { type: "string" },
    measure: { type: "string" },
  },
});
const { model: folder } = options;
if (folder === undefined) throw new Error("name the folder of a causal language model with --model");
const dtype = options.dtype === "bfloat16" ? "bfloat16" : "float32";
const rowLength = 256;

interface Figures {
  readonly seconds: number;
  readonly tensors: number;
  readonly resident: number;
}

if (options.measure === undefined) printTable();
else await measure(folder, options.measure, Number(options.tokens));

function rowsOf(tokens: number): Example[] {
  return Array.from({ length: Math.ceil(tokens / rowLength) }, (_, row) => {
    const length = Math.min(rowLength, tokens - row * rowLength);
    return {
      ids: Int32Array.from({ length }, (_, i) => 100 + ((row * 7919 + i * 104_729) % 40_000)),
      isLabel: Uint8Array.from({ length }, (_, i) => i % 2),
      source: `rows:${row}`,
    };
  });
}

/** Prints the figures of one forward and backward pass, in this process. */
async function measure(path: string, setting: string, tokens: number): Promise<void> {
  torch.setThreads(1);
  torch.useGemmBackend("aten");
  torch.keepFreedMemory();
  const quantised = setting.startsWith("QLoRA");
  using model = await loadModel(path, { dtype, quantization: quantised ? "nf4" : "none" });
  using _ = attach(model, { method: quantised ? "qlora" : "lora", rank: 8 }, 0);
  const objective = objectiveOf(model);
  const pass = (count: number) => {
    const batch = collate(rowsOf(count));
    using recompute = setting.endsWith("recomputed") ? new RecomputedPass() : undefined;
    torch.scope(() => backward(objective.lossSum(batch, { recompute }), recompute));
  };
  pass(64);
  torch.releaseFreeMemory();
  const before = process.cpuUsage();
  const { tensors, resident } = torch.measureMemory(() => pass(tokens));
  const { user, system } = process.cpuUsage(before);
  const figures: Figures = { seconds: (user + system) / 1e6, tensors, resident };
  console.log(JSON.stringify(figures));
}

function figuresOf(setting: string, tokens: number): Figures {
  const [node, program] = takeFirst(process.argv, 2);
  const args = [...process.execArgv, program, "--model", options.model ?? "", "--dtype", dtype];
  const more = ["--tokens", String(tokens), "--measure", setting];
  return JSON.parse(execFileSync(node, [...args, ...more], { encoding: "utf8" }));
}

/** Runs the processes in turns, in one order and then in the other, and prints a line for each setting. */
function printTable(): void {
  const chosen = settings.filter((name) => name === "LoRA" || name.includes(options.only ?? ""));
  console.log(
    "| tokens | | CPU seconds: median (least to most) | over LoRA, by rounds | tensors MiB | process MiB |",
  );
  console.log("|---|---|---|---|---|---|");
  for (const tokens of options.tokens.split(",").map(Number)) {
    const rounds = Array.from({ length: Number(options.rounds) }, (_, round) => {
      const order = round % 2 === 0 ? chosen : chosen.toReversed();
      return new Map(order.map((setting) => [setting, figuresOf(setting, tokens)]));
    });
    for (const setting of chosen) printLine(tokens, setting, rounds);
  }
}

function printLine(tokens: number, setting: Setting, rounds: readonly ReadonlyMap<Setting, Figures>[]): void {
  const of = (name: Setting, figure: keyof Figures) =>
    rounds.map((figures) => figures.get(name)?.[figure] ?? Number.NaN);
  const seconds = of(setting, "seconds");
  const ratios = zip(seconds, of("LoRA", "seconds")).map(([own, lora]) => own / lora);
  const mebibytes = (figure: "tensors" | "resident") => (median(of(setting, figure)) / 2 ** 20).toFixed(0);
  const range = `${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)}`;
  const cells = [
    ...[`${tokens}`, setting, `${median(seconds).toFixed(2)} (${range})`],
    ...[ratios.map((ratio) => ratio.toFixed(2)).join(", "), mebibytes("tensors"), mebibytes("resident")],
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
