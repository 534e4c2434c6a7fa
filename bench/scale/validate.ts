// The forecast of src/forecast against measured steps on 1, 2 and 4 ranks of this machine, as a table in Markdown.
//   OMP_NUM_THREADS=1 node --import tsx bench/scale/validate.ts [TITLE…]
// A row says little where other processes took part of the cores meanwhile, which the table shows. Ranks beyond the cores take
// turns: what a rank computes is then multiplied by ranks / cores.
import { fileURLToPath } from "node:url";
import { forecastRanks } from "../../src/forecast/forecast-ranks.ts";
import { fittingThreads, usableCores } from "../../src/util/usable-cores.ts";
import { markdownTable } from "../peer/markdown.ts";
import { besideOthers } from "./taken-by-others.ts";
import { costsOf, recorded, runToEnd, scalora, type Training, writeRecipe } from "./training.ts";

const tiny = { model: "assets/tiny", batchTokens: 256, steps: 60 };
const smollm2 = { model: "smollm2-135m-instruct", batchTokens: 128, steps: 14 };
const trainings: readonly Training[] = [
  { title: "tiny, LoRA", ...tiny, adapter: { method: "lora", rank: 4 } },
  { title: "tiny, ScaLoRA-I", ...tiny, adapter: { method: "scalora-i", rank: 4 } },
  { title: "tiny, full", ...tiny, adapter: { method: "full" } },
  { title: "SmolLM2-135M, LoRA", ...smollm2, adapter: { method: "lora", rank: 8 } },
  { title: "tiny, full, accumulate 4", ...tiny, accumulate: 4, adapter: { method: "full" } },
  {
    title: "SmolLM2-135M, LoRA, shardBase",
    ...smollm2,
    shardBase: true,
    adapter: { method: "lora", rank: 8 },
  },
];
const asked = process.argv.slice(2);
const sizes = [1, 2, 4];
const cores = fittingThreads(usableCores());

const networks = new Map<number, { latency: number; bandwidth: number }>();
for (const size of sizes.slice(1)) {
  const script = fileURLToPath(new URL("network.ts", import.meta.url));
  const node = [process.execPath, ...scalora.slice(1, -1), script];
  const measured = JSON.parse(await runToEnd([...scalora, "launch", "--nproc", `${size}`, "--", ...node]));
  process.stderr.write(`${JSON.stringify(measured)}\n`);
  networks.set(size, measured);
}

const rows: string[][] = [];
for (const training of trainings) {
  if (asked.length > 0 && !asked.includes(training.title)) continue;
  const costs = await costsOf(training);
  let alone = costs.stepSeconds;
  for (const size of sizes) {
    // One process shares its base with nobody; four on this machine would measure little but their waiting.
    if (costs.base && size !== 2) continue;
    const name = `${training.title.replaceAll(/\W+/g, "-")}-${size}`;
    const recipe = writeRecipe(training, name);
    const train = ["train", recipe];
    const command =
      size === 1 ? [...scalora, ...train] : [...scalora, "launch", "--nproc", `${size}`, ...train];
    const run = await besideOthers(() => runToEnd(command));
    const { seconds } = recorded(name);
    if (size === 1) alone = seconds;
    const network = networks.get(size) ?? { latency: 0, bandwidth: 1 };
    const length = { steps: training.steps, evaluations: 0, checkpoints: 1 };
    const { step } = forecastRanks(costs, length, { size, network });
    const share = Math.max(1, size / cores);
    const predicted = share * (step.compute + step.batches + step.exchange) + step.network;
    const milliseconds = (value: number) => (1000 * value).toPrecision(3);
    rows.push([
      training.title,
      `${size}`,
      ...[step.compute, step.batches, step.exchange, step.network].map(milliseconds),
      milliseconds(predicted),
      milliseconds(seconds),
      (predicted / seconds).toFixed(2),
      ((share * alone) / seconds).toFixed(2),
      `${(100 * run.taken).toFixed(0)} %`,
      run.seconds.toFixed(0),
    ]);
    process.stderr.write(`${rows.at(-1)?.join("  ")}\n`);
  }
}
const heads = ["training", "ranks", "compute", "batches", "sums", "network", "forecast, ms", "measured, ms"];
console.log(markdownTable([...heads, "forecast : measured", "of ideal", "taken by others", "run, s"], rows));
