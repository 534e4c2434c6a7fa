// The forecast of src/forecast for clusters that are not here: a table, and charts into docs/scale.
//   node --import tsx bench/scale/replay.ts
// What a rank would compute is assumed, not measured: LLaMA-3-8B on an H100 at 40 % of its dense bfloat16 peak, and with a base
// that is shared out, which takes CPUs, on 2 TFLOP/s.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { byteSeconds } from "../../src/forecast/collectives.ts";
import { forecastRanks, type RankCosts } from "../../src/forecast/forecast-ranks.ts";
import type { SharedBase } from "../../src/forecast/gathered-base.ts";
import { packageRoot } from "../../src/setup/paths.ts";
import { formatBytes, formatDuration, formatStepTime } from "../../src/util/format.ts";
import { markdownTable } from "../peer/markdown.ts";
import { scalingChart } from "./scaling-chart.ts";
import { stepChart } from "./step-chart.ts";

const tokens = 4096;
/** Parameters of the blocks and the head of LLaMA-3-8B, and factors of rank 16 on all of its linear layers. */
const [parameters, factors] = [7.5e9, 41_943_040];
const [gpuFlops, cpuFlops, memoryBandwidth] = [0.4 * 989e12, 2e12, 10e9];

/** What a rank trains, and how it computes. */
interface Work {
  /** Numbers that are trained, and bytes of the gradient of each. */
  readonly trained: number;
  readonly bytes: number;
  /** Operations for each parameter and token. */
  readonly operations: number;
  readonly flops: number;
  readonly accumulate: number;
  readonly base?: SharedBase;
}

/** A rank's costs. The exchange goes through host memory: gradients are copied three times a round and twice more. */
function costs({ trained, bytes, operations, flops, accumulate, base }: Work): RankCosts {
  return {
    stepSeconds: (accumulate * operations * parameters * tokens) / flops,
    accumulate,
    stepTokens: accumulate * tokens,
    batchSeconds: 0.3e-3,
    gradientBytes: [trained * bytes],
    exchangeSeconds: ((3 * accumulate + 2) * trained * bytes) / memoryBandwidth,
    byteSeconds: flops === cpuFlops ? byteSeconds : 0,
    base,
    loadSeconds: 30,
    evaluation: null,
    checkpoint: { bytes: 3 * trained * bytes, hashSeconds: (3 * trained * bytes) / 1e9 },
  };
}

const [hidden, inner, keys, vocabulary] = [4096, 14_336, 1024, 128_256];

/** Weights that are gathered together, in bfloat16. */
function unit(isBlock: boolean, weights: readonly number[]) {
  return {
    isBlock,
    values: weights.reduce((sum, each) => sum + each, 0),
    bytes: weights.map((each) => 2 * each),
  };
}

const overVocabulary = () => unit(false, [vocabulary * hidden]);
const block = () =>
  unit(true, [hidden ** 2, hidden * keys, hidden * keys, hidden ** 2, ...Array(3).fill(hidden * inner)]);
const llama: SharedBase = [overVocabulary(), ...Array.from({ length: 32 }, block), overVocabulary()];

/** A frozen base takes 4 operations a parameter and token (forward, and backward to the inputs), a trained one 6. */
const lora = (accumulate: number) =>
  costs({ trained: factors, bytes: 4, operations: 4, flops: gpuFlops, accumulate });
const full = (accumulate: number) =>
  costs({ trained: 8.03e9, bytes: 2, operations: 6, flops: gpuFlops, accumulate });
/** Blocks are run again in the backward pass. */
const shared = (accumulate: number) =>
  costs({ trained: factors, bytes: 4, operations: 6, flops: cpuFlops, accumulate, base: llama });

const fast = { name: "50 Gbit/s, 20 µs", latency: 20e-6, bandwidth: 50e9 / 8 };
const slow = { name: "10 Gbit/s, 50 µs", latency: 50e-6, bandwidth: 10e9 / 8 };
const cases = [
  { label: "LoRA, accumulate 1", of: lora(1), network: fast, colour: "#2563eb" },
  { label: "LoRA, accumulate 8", of: lora(8), network: fast, colour: "#60a5fa" },
  { label: "LoRA, accumulate 1", of: lora(1), network: slow, colour: "#059669" },
  { label: "LoRA, accumulate 8", of: lora(8), network: slow, colour: "#6ee7b7" },
  { label: "full, accumulate 8", of: full(8), network: fast, colour: "#d97706" },
  { label: "LoRA on CPUs, base shared out", of: shared(1), network: fast, colour: "#7c3aed" },
];
type Case = (typeof cases)[number];
const inTable = cases.filter(({ network }) => network === fast);

const length = { steps: 1000, evaluations: 0, checkpoints: 10 };
const forecast = ({ of, network }: Case, size: number) => forecastRanks(of, length, { size, network });

/** Gradients on a GPU wait in host memory to be sent, as those of several micro-batches do. */
const copiedToHost = (one: Case): Case =>
  one.of.byteSeconds === 0 ? { ...one, of: { ...one.of, accumulate: Math.max(2, one.of.accumulate) } } : one;

const folder = join(packageRoot, "docs/scale");
mkdirSync(folder, { recursive: true });
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 2000, 4000, 8000];
const lines = cases.map((each) => ({
  label: `${each.label}, ${each.network.name}`,
  colour: each.colour,
  points: sizes.map((size) => ({ size, value: forecast(each, size).efficiency })),
}));
const title = "LLaMA-3-8B by the model: tokens per second, as a fraction of ideal";
writeFileSync(join(folder, "efficiency.svg"), scalingChart(title, lines, [1, 8, 64, 512, 8000]));

const parts = [
  { label: "compute", colour: "#2563eb" },
  { label: "batches", colour: "#9ca3af" },
  { label: "sums", colour: "#d97706" },
  { label: "network", colour: "#dc2626" },
];
const bars = [64, 8000].flatMap((size) =>
  inTable.map((each) => {
    const { compute, batches, exchange, network, total } = forecast(each, size).step;
    return {
      label: `${size.toLocaleString("en-US")} ranks: ${each.label}`,
      seconds: [compute, batches, exchange, network],
      total: formatStepTime(total),
    };
  }),
);
const what = "LLaMA-3-8B by the model: what a step's time goes to, and how long it is";
writeFileSync(join(folder, "step.svg"), stepChart(what, parts, bars));

const rows = [64, 1000, 8000].flatMap((size) =>
  inTable.map((each) => {
    const { step, efficiency, join: joining, sentBytes } = forecast(each, size);
    const { exchangeBytes } = forecast(copiedToHost(each), size);
    return [
      ...[size.toLocaleString("en-US"), each.label],
      ...[step.compute, step.batches, step.exchange, step.network, step.total].map(formatStepTime),
      `${(100 * efficiency).toFixed(0)} %`,
      formatBytes(Math.round(sentBytes)),
      formatDuration(joining),
      `${(exchangeBytes / 1e9).toFixed(1)} GB`,
    ];
  }),
);
const heads = ["Ranks", "Training", "Compute", "Batches", "Sums", "Network", "Step", "Of ideal"];
console.log(markdownTable([...heads, "A rank sends", "To join", "More memory"], rows));
