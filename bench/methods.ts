// What a step of each method costs beside LoRA's, on linear layers alone, in one run:
//   OMP_NUM_THREADS=1 node --import ./src/testing/typescript-hooks.mjs bench/methods.ts
// Four layers of 1024 × 1024, 512 tokens, rank 8 (FourierFT: 1000 frequencies), forward, backward and AdamW in fp32. CPU
// time of this process, so that others on the machine do not count; the methods take turns, and the median of the ratios to
// LoRA's step of the same round is shown. Numbers: trained ones, and all that is kept beside the weights as they are loaded
// (trained values, gradients, moments, and what a checkpoint holds beside), over LoRA's.
import { type AdapterOptions, attach } from "../src/adapters/index.js";
import { methods } from "../src/config/index.js";
import { AdamW } from "../src/optim/index.js";
import { quantised } from "../src/testing/quantise.js";
import * as torch from "../src/torch/index.js";
import { LayerStack } from "./layer-stack.js";

const [width, layers, tokens, rounds, warmup] = [1024, 4, 512, 11, 2];

function prepare(name: string) {
  const model = name === "qlora" ? quantised(new LayerStack(width, layers)) : new LayerStack(width, layers);
  const options: AdapterOptions[] = [
    { method: "lora", rank: 8 },
    { method: "qlora", rank: 8 },
    { method: "lora+", rank: 8 },
    { method: "lora-ga", rank: 8 },
    { method: "pissa", rank: 8 },
    { method: "dora", rank: 8 },
    { method: "hira", rank: 8 },
    { method: "fourierft", frequencies: 1000 },
    { method: "mora", rank: 8 },
    { method: "scalora", rank: 8 },
    { method: "scalora-i", rank: 8 },
    { method: "relora", rank: 8, interval: 100 },
    { method: "flora", rank: 8, interval: 100 },
    { method: "full" },
  ];
  const chosen = options.find(({ method }) => method === name);
  if (!chosen) throw new Error(`bench/methods.ts does not know ${name}`);
  const adapters = attach(model, chosen, 0);
  const optimizer = new AdamW(adapters.trainables());
  using generator = new torch.Generator(1);
  const x = torch.randn([tokens, width], generator).keep();
  const run = (step: number) =>
    torch.scope(() => {
      const context = {
        step,
        warmupSteps: 0,
        peakLr: 1e-4,
        lr: 1e-4,
        moments: (moment: string) => optimizer.moments(moment),
      };
      adapters.beforeForward?.(context);
      torch.sum(torch.square(model.forward(x))).backward();
      torch.noGrad(() => adapters.beforeClip?.(context));
      optimizer.step(1e-4);
      adapters.zeroGrad();
    });
  const count = (tensors: Iterable<torch.Tensor>) => [...tensors].reduce((sum, { numel }) => sum + numel, 0);
  const kept =
    count(adapters.state().values()) +
    count(adapters.trainables().map(({ grad }) => grad)) +
    count(optimizer.state().values()) -
    // The stores of the merging methods hold the weights in place of the loaded ones.
    (adapters.method === "full" || [...adapters.state().keys()].some((key) => key.endsWith(".base"))
      ? layers * width * width
      : 0);
  return { run, trained: adapters.parameterCounts().trainable, kept };
}

torch.setThreads(1);
const all = Object.keys(methods).map((name) => ({ name, ...prepare(name), times: [] as number[] }));
for (let round = 1; round <= rounds + warmup; round++)
  for (const { run, times } of all) {
    const before = process.cpuUsage();
    run(round);
    const { user, system } = process.cpuUsage(before);
    if (round > warmup) times.push((user + system) / 1000);
  }
const [lora] = all;
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
console.log(`LoRA: ${median(lora.times).toFixed(1)} ms of CPU a step`);
console.log("method      time   trained  kept");
for (const { name, times, trained, kept } of all) {
  const ratio = median(times.map((time, i) => time / lora.times[i]));
  const [of, all] = [trained / lora.trained, kept / lora.kept].map((value) => value.toFixed(2));
  console.log(`${name.padEnd(10)} ${ratio.toFixed(2).padStart(5)} ${of.padStart(9)} ${all.padStart(6)}`);
}
