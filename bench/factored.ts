// What a step of ScaLoRA costs over a factored base, and with magnitudes, beside LoRA's step and ScaLoRA's over an exact base:
//   OMP_NUM_THREADS=1 node --import ./src/testing/typescript-hooks.mjs bench/factored.ts
// Four layers of 1024 × 1024, 512 tokens, rank 8, R = 64, forward, backward and AdamW in fp32. CPU time of this process, so
// that others on the machine do not count; the methods take turns. Before the clock starts the factored bases have filled
// up, so that each further event is a recompression; the mean is over 20 steps, two events of interval 10. Numbers: what
// the merges are kept in, a layer.
import { type AdapterOptions, attach } from "../src/adapters/index.js";
import { AdamW } from "../src/optim/index.js";
import * as torch from "../src/torch/index.js";
import { LayerStack } from "./layer-stack.js";

const [width, layers, tokens, filling, measured] = [1024, 4, 512, 92, 20];

const ways: Readonly<Record<string, AdapterOptions>> = {
  LoRA: { method: "lora", rank: 8 },
  "ScaLoRA, exact": { method: "scalora", rank: 8 },
  "ScaLoRA, factored": { method: "scalora", rank: 8, base: "factored" },
  "ScaLoRA-I, exact": { method: "scalora-i", rank: 8 },
  "ScaLoRA-I, factored": { method: "scalora-i", rank: 8, base: "factored" },
  DoRA: { method: "dora", rank: 8 },
  "ScaLoRA, magnitude": { method: "scalora", rank: 8, magnitude: true },
  "ScaLoRA-I, magnitude": { method: "scalora-i", rank: 8, magnitude: true },
};

/** A step of a way, on layers of its own. */
function prepare(options: AdapterOptions): (step: number) => void {
  const model = new LayerStack(width, layers);
  const adapters = attach(model, options, 0);
  const optimizer = new AdamW(adapters.trainables());
  using generator = new torch.Generator(1);
  const x = torch.randn([tokens, width], generator).keep();
  return (step) =>
    torch.scope(() => {
      const moments = (name: string) => optimizer.moments(name);
      torch.sum(torch.square(model.forward(x))).backward();
      torch.noGrad(() => adapters.beforeClip?.({ step, warmupSteps: 0, peakLr: 1e-4, lr: 1e-4, moments }));
      optimizer.step(1e-4);
      adapters.zeroGrad();
    });
}

torch.setThreads(1);
const all = Object.entries(ways).map(([name, options]) => ({ name, step: prepare(options), spent: 0 }));
for (let step = 1; step <= filling + measured; step++)
  for (const way of all) {
    const before = process.cpuUsage();
    way.step(step);
    const { user, system } = process.cpuUsage(before);
    if (step > filling) way.spent += (user + system) / 1000 / measured;
  }
for (const { name, spent } of all)
  console.log(`${name.padEnd(20)} ${spent.toFixed(1).padStart(6)} ms ${(spent / all[0].spent).toFixed(2)}`);
console.log(`exact: ${width ** 2} numbers a layer; factored: ${2 * width * 64}`);
