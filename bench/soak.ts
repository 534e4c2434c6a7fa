// Does training leak? Thousands of steps of the tests' tiny model with scaling events, evaluations and checkpoints: live
// tensors must be the same after each step, and resident memory must not grow.
//   node --expose-gc --max-semi-space-size=1 --import tsx bench/soak.ts [steps] [method]
//   npx scalora launch --nproc 4 node --expose-gc --max-semi-space-size=1 --import tsx bench/soak.ts [steps] [method]
// As several ranks, each of which measures itself; rank 0 prints what all have found.
// Only the last of three equal runs is measured: V8 compiles and its heap takes its size for some thousand steps. A young
// generation of fixed size (the flag) keeps its resizing out of the measurement.
import type { AdapterOptions } from "../src/adapters/index.ts";
import { initProcessGroup } from "../src/distributed/index.ts";
import { temporaryFolder, tinyRun } from "../src/testing/tiny-run.ts";
import { liveTensorCount } from "../src/torch/index.ts";
import { train } from "../src/train/trainer.ts";
import { elementAt, required } from "../src/util/elements.ts";

const steps = Number(process.argv[2] ?? 5000);
const method = process.argv[3] ?? "scalora";
/** Memory of the steps before this one (the run's own caches filling) does not count. */
const settled = Math.floor(steps / 10);
/** Growth beyond this, in megabytes per 1,000 steps, is a leak when it is more than noise. */
const tolerated = 0.01;

const lowRank = { rank: 2, targetModules: ["mix"] };
const adapters: Record<string, AdapterOptions> = {
  full: { method: "full" },
  lora: { method: "lora", ...lowRank },
  scalora: { method: "scalora", ...lowRank },
  "scalora-i": { method: "scalora-i", ...lowRank },
};

if (globalThis.gc === undefined) throw new Error("start it with --expose-gc, as its first lines say");
using group = await initProcessGroup();
const live = new Set<number>();
/** Steps from one reading to the next. */
const between = 10;
/** Made before the first step, so that the readings do not grow what they measure. */
const readings = new Float64Array(Math.floor(steps / between));
for (let run = 0; run < 3; run++) {
  live.clear();
  await oneRun((step) => {
    live.add(liveTensorCount());
    if (step % between !== 0) return;
    globalThis.gc?.();
    readings[step / between - 1] = process.memoryUsage.rss() / 2 ** 20;
  });
}
const memory = Array.from(readings, (megabytes, i) => ({ step: (i + 1) * between, megabytes })).filter(
  ({ step }) => step > settled,
);

async function oneRun(afterStep: (step: number) => void): Promise<void> {
  const folder = temporaryFolder();
  const settings = { steps, evalEvery: 50, saveEvery: 100, accumulate: group.size };
  const run = tinyRun(settings, {
    ...(group.rank === 0 && { folder: `${folder.path}/run` }),
    adapter: required(adapters[method], method),
  });
  try {
    await train({
      ...run.options,
      ...(group.size > 1 && { group }),
      onEvent: (event) => {
        if (event.type === "step") afterStep(event.step);
      },
    });
  } finally {
    run.dispose();
    folder.remove();
  }
}

const { slope, error } = regression(memory);
const result = {
  ...(group.size > 1 && { rank: group.rank }),
  method,
  steps,
  liveTensorsAfterEachStep: [...live],
  residentMegabytes: {
    first: elementAt(memory, 0).megabytes,
    last: elementAt(memory, memory.length - 1).megabytes,
  },
  slopeMegabytesPer1000Steps: slope * 1000,
  slopeStandardError: error * 1000,
  ...drift(memory),
};
const grows = result.driftMegabytesPer1000Steps > tolerated && result.driftT > 2;
await group.setValue(`soak/${group.rank}`, JSON.stringify(result, undefined, 2));
if (group.rank === 0)
  for (let rank = 0; rank < group.size; rank++)
    process.stdout.write(`${await group.getValue(`soak/${rank}`)}\n`);
await group.barrier();
process.exitCode = live.size === 1 && !grows ? 0 : 1;

/** Least squares of memory over steps: the slope and its standard error. */
function regression(points: typeof memory): { slope: number; error: number } {
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const x = mean(points.map(({ step }) => step));
  const y = mean(points.map(({ megabytes }) => megabytes));
  const spread = points.reduce((sum, { step }) => sum + (step - x) ** 2, 0);
  const slope = points.reduce((sum, { step, megabytes }) => sum + (step - x) * (megabytes - y), 0) / spread;
  const rest = points.reduce(
    (sum, { step, megabytes }) => sum + (megabytes - y - slope * (step - x)) ** 2,
    0,
  );
  return { slope, error: Math.sqrt(rest / (points.length - 2) / spread) };
}

/**
 * Resident memory moves in jumps that stay (the system takes pages back, the allocator asks for more), so the errors of
 * the regression are not independent and its standard error is too small. The mean of the changes between readings does
 * not have that fault: growth is shown when `driftT` is well above 2.
 */
function drift(points: typeof memory): { driftMegabytesPer1000Steps: number; driftT: number } {
  const changes = points.slice(1).map(({ megabytes }, i) => megabytes - elementAt(points, i).megabytes);
  const mean = changes.reduce((a, b) => a + b, 0) / changes.length;
  const variance = changes.reduce((sum, change) => sum + (change - mean) ** 2, 0) / (changes.length - 1);
  const stepsBetween = elementAt(points, 1).step - elementAt(points, 0).step;
  return {
    driftMegabytesPer1000Steps: (mean / stepsBetween) * 1000,
    driftT: mean / Math.sqrt(variance / changes.length),
  };
}
