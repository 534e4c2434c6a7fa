// The forecast of src/forecast for clusters that are not here: tables, and charts into docs/scale.
//   node --import tsx bench/scale/replay.ts
// What a rank would compute is assumed, not measured: LLaMA-3-8B on an H100 at 40 % of its dense bfloat16 peak.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { forecastRanks, type RankCosts } from "../../src/forecast/forecast-ranks.ts";
import { packageRoot } from "../../src/setup/paths.ts";
import { formatDuration, formatStepTime } from "../../src/util/format.ts";
import { markdownTable } from "../peer/markdown.ts";
import { type Line, scalingChart } from "./scaling-chart.ts";

const tokens = 4096;
/** Parameters of the blocks and the head of LLaMA-3-8B, and factors of rank 16 on all of its linear layers. */
const [parameters, factors] = [7.5e9, 41_943_040];
const [flops, memoryBandwidth] = [0.4 * 989e12, 10e9];

/**
 * A rank's costs. A frozen base takes 4 operations a parameter and token (forward, and backward to the inputs), a trained one 6.
 * The exchange goes through host memory: gradients are copied three times a round and twice more.
 */
function costs(trained: number, bytes: number, operations: number, accumulate: number): RankCosts {
  return {
    stepSeconds: (accumulate * operations * parameters * tokens) / flops,
    accumulate,
    stepTokens: accumulate * tokens,
    batchSeconds: 0.3e-3,
    gradientBytes: [trained * bytes],
    exchangeSeconds: ((3 * accumulate + 2) * trained * bytes) / memoryBandwidth,
    byteSeconds: 0,
    loadSeconds: 30,
    evaluation: null,
    checkpoint: { bytes: 3 * trained * bytes, hashSeconds: (3 * trained * bytes) / 1e9 },
  };
}

const lora = (accumulate: number) => costs(factors, 4, 4, accumulate);
const full = (accumulate: number) => costs(8.03e9, 2, 6, accumulate);
const networks = {
  "10 Gbit/s, 50 µs": { latency: 50e-6, bandwidth: 10e9 / 8 },
  "50 Gbit/s, 20 µs": { latency: 20e-6, bandwidth: 50e9 / 8 },
};
const cases = [
  {
    label: "LoRA, accumulate 1",
    of: lora(1),
    network: "50 Gbit/s, 20 µs",
    colour: "#2563eb",
    isInTable: true,
  },
  {
    label: "LoRA, accumulate 8",
    of: lora(8),
    network: "50 Gbit/s, 20 µs",
    colour: "#60a5fa",
    isInTable: true,
  },
  {
    label: "LoRA, accumulate 1",
    of: lora(1),
    network: "10 Gbit/s, 50 µs",
    colour: "#059669",
    isInTable: false,
  },
  {
    label: "LoRA, accumulate 8",
    of: lora(8),
    network: "10 Gbit/s, 50 µs",
    colour: "#6ee7b7",
    isInTable: false,
  },
  {
    label: "full, accumulate 8",
    of: full(8),
    network: "50 Gbit/s, 20 µs",
    colour: "#d97706",
    isInTable: true,
  },
] as const;

const length = { steps: 1000, evaluations: 0, checkpoints: 10 };
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 2000, 4000, 8000];
const forecast = ({ of, network }: (typeof cases)[number], size: number) =>
  forecastRanks(of, length, { size, network: networks[network] });

const lines: Line[] = cases.map((each) => ({
  label: `${each.label}, ${each.network}`,
  colour: each.colour,
  points: sizes.map((size) => ({ size, value: forecast(each, size).efficiency })),
}));
const title = "LLaMA-3-8B by the model: tokens per second, as a fraction of ideal";
const folder = join(packageRoot, "docs/scale");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "efficiency.svg"), scalingChart(title, lines, [1, 8, 64, 512, 8000]));

const rows = [64, 1000, 8000].flatMap((size) =>
  cases
    .filter(({ isInTable }) => isInTable)
    .map((each) => {
      const { step, efficiency, join: joining, exchangeBytes } = forecast(each, size);
      return [
        ...[size.toLocaleString("en-US"), each.label],
        ...[step.compute, step.batches, step.exchange, step.network, step.total].map(formatStepTime),
        `${(100 * efficiency).toFixed(0)} %`,
        formatDuration(joining),
        `${(exchangeBytes / 1e9).toFixed(1)} GB`,
      ];
    }),
);
const heads = ["ranks", "training", "compute", "batches", "sums", "network", "step"];
console.log(markdownTable([...heads, "of ideal", "to join", "more memory"], rows));
