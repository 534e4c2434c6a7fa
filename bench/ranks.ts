// What it costs that ranks share the micro-batches of a step, and that their gradients are added in a fixed order:
//   npm run tool -- bench/ranks.ts --model FOLDER [--method lora] [--ranks 1,2,4,8] [--per-rank 1] [--tokens 1024] [--rounds 8]
// In each round the ranks, with one thread each, take the same micro-batches in four ways, one after another; the learning rate
// is 0, so that all of them start from the same weights, and the loss and the norm of the gradients can be compared:
//   alone   rank 0 takes all of them, the others wait
//   apart   each rank takes its share and updates its own weights; nothing is sent
//   fixed   as `scalora train` does
//   plain   each rank adds up its share, and one all-reduce adds up the ranks'
// It prints a table with a row for each number of ranks; more ranks than cores take turns, and are compared with what the cores
// could do at best. Start it on a machine with nothing else to do.
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { AdapterSet } from "../src/adapters/index.ts";
import { parseRecipe } from "../src/config/index.ts";
import type { Batch } from "../src/data/index.ts";
import { initProcessGroup } from "../src/distributed/index.ts";
import { runRanks } from "../src/distributed/run-ranks.ts";
import type { TrainableModel } from "../src/nn/index.ts";
import { makeSchedule } from "../src/optim/index.ts";
import { type PreparedRun, prepareRun } from "../src/recipes/prepare-run.ts";
import {
  combineNumbers,
  copy_,
  fromData,
  keepFreedMemory,
  narrow,
  noGrad,
  type ProcessGroup,
  scope,
  setThreads,
  type Tensor,
  view,
  zeros,
} from "../src/torch/index.ts";
import { DataParallel } from "../src/train/ranks/data-parallel.ts";
import { type StepReport, takeMicroBatches, trainStep } from "../src/train/step.ts";
import { fittingThreads, usableCores } from "../src/util/usable-cores.ts";
import { markdownTable } from "./peer/markdown.ts";
import { rangeOf } from "./peer/statistics.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "" },
    method: { type: "string", default: "lora" },
    ranks: { type: "string", default: "1,2,4,8" },
    "per-rank": { type: "string", default: "1" },
    tokens: { type: "string", default: "1024" },
    rounds: { type: "string", default: "8" },
  },
});
const perRank = Number(options["per-rank"]);
const root = fileURLToPath(new URL("..", import.meta.url));
const print = (text: string) => process.stdout.write(`${text}\n`);

const ways = ["alone", "apart", "fixed", "plain"] as const;
type Way = (typeof ways)[number];

/** Seconds of a step: on the clock, and of all ranks' CPU time. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** Adds up the gradients of a rank's micro-batches, then those of the ranks: the bits depend on the number of ranks. */
class PlainAllReduce extends DataParallel {
  private readonly set: AdapterSet;
  private readonly flat: Tensor;

  constructor(group: ProcessGroup, adapters: AdapterSet, model: TrainableModel) {
    super(group, adapters, model);
    this.set = adapters;
    const numel = adapters.trainables().reduce((sum, { grad }) => sum + grad.numel, 0);
    this.flat = zeros([numel], { dtype: "float32", device: "cpu" }).keep();
  }

  override async accumulate(count: number, lossOf: (index: number) => Tensor): Promise<Float64Array> {
    const losses = new Float64Array(count);
    for (let index = this.rank; index < count; index += this.size) losses[index] = lossOf(index).item();
    this.eachPart((part, grad) => copy_(part, grad));
    await this.group.allReduce(this.flat);
    this.eachPart((part, grad) => copy_(grad, part));
    return await combineNumbers(this.group, losses);
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.flat.dispose();
  }

  private eachPart(visit: (part: Tensor, grad: Tensor) => unknown): void {
    let start = 0;
    for (const { grad } of this.set.trainables()) {
      const { numel, shape } = grad;
      noGrad(() => scope(() => void visit(view(narrow(this.flat, 0, start, numel), [...shape]), grad)));
      start += numel;
    }
  }
}

if (process.env["RANK"] === undefined) await launch();
else await measure();

async function launch(): Promise<void> {
  const heads = [
    "ranks",
    "bits of one process",
    "of ideal, %",
    "attainable, %",
    "against a plain all-reduce, %",
  ];
  print(markdownTable([...heads, "sent by a rank, bytes", "in sizes of its gradients"], []).trimEnd());
  for (const size of options.ranks.split(",").map(Number)) {
    const { exitCode } = await runRanks({
      command: process.execPath,
      args: [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
      nproc: size,
      env: { ...process.env, OMP_NUM_THREADS: "1", SCALORA_GEMM_BACKEND: "aten" },
      log: (line) => process.stderr.write(`${line}\n`),
    });
    if (exitCode !== 0) process.exitCode = exitCode;
  }
}

async function measure(): Promise<void> {
  keepFreedMemory();
  setThreads(1);
  const targets = options.method === "full" ? {} : { rank: 8, targetModules: "all-linear" };
  const recipe = parseRecipe({
    model: { path: options.model, device: "cpu" },
    adapter: { method: options.method, ...targets },
    data: { train: join(root, "examples/data/train.jsonl"), eval: "none" },
    train: { steps: 1, lr: 1e-5, batchTokens: Number(options.tokens) },
    run: { name: "ranks", folder: root, samples: 0 },
  });
  using group = await initProcessGroup();
  using prepared = await prepareRun(recipe);
  using fixed = new DataParallel(group, prepared.adapters, prepared.base.model);
  using plain = new PlainAllReduce(group, prepared.adapters, prepared.base.model);
  const ranks = { alone: undefined, apart: undefined, fixed, plain };
  // So that no factor is zero any more.
  await trainStep(partsOf(prepared, fixed, 1e-3), await takeMicroBatches(prepared.batches, group.size), 1);
  const costs = new Map<Way, Cost[]>(ways.map((way) => [way, []]));
  let [sent, areEqual] = [0, true];
  for (let round = 0; round <= Number(options.rounds); round++) {
    const microBatches = await takeMicroBatches(prepared.batches, perRank * group.size);
    const reports = new Map<Way, StepReport | undefined>();
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const before = bytesOnLoopback();
      const cost = await timed(group, async () => {
        const own = shareOf(way, microBatches, group);
        if (own.length > 0)
          reports.set(way, await trainStep(partsOf(prepared, ranks[way], 0), own, 2 + round));
      });
      if (group.rank === 0)
        console.error(`round ${round}: ${way} ${cost.wall.toFixed(3)} s, CPU ${cost.cpu.toFixed(3)} s`);
      // The first round is warm-up.
      if (round > 0) costs.get(way)?.push(cost);
      if (way === "fixed" && round > 0) sent += bytesOnLoopback() - before;
    }
    const [alone, together] = [reports.get("alone"), reports.get("fixed")];
    for (const name of ["loss", "gradNorm"] as const) areEqual &&= Object.is(alone?.[name], together?.[name]);
  }
  const sentByRank = sent / Number(options.rounds) / group.size;
  if (group.rank === 0) report(prepared, costs, { size: group.size, sentByRank, areEqual });
  await group.barrier();
}

function partsOf({ base, adapters, optimizer }: PreparedRun, ranks: DataParallel | undefined, lr: number) {
  const schedule = makeSchedule({ name: "constant", lr, steps: 1000, warmup: 0 });
  return { model: base.model, adapters, optimizer, schedule, clip: 1, ranks };
}

/** The micro-batches of a step that this rank is given. */
function shareOf(way: Way, microBatches: readonly Batch[], { rank, size }: ProcessGroup): readonly Batch[] {
  if (way === "alone" && rank > 0) return [];
  return way === "apart" ? microBatches.filter((_, index) => index % size === rank) : microBatches;
}

/** Until all ranks are done. */
async function timed(group: ProcessGroup, body: () => Promise<void>): Promise<Cost> {
  await group.barrier();
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  await body();
  const { user, system } = process.cpuUsage(cpu);
  using all = fromData(Float64Array.of((user + system) / 1e6), [1], { device: "cpu" });
  await group.allReduce(all);
  return { wall: (performance.now() - started) / 1000, cpu: all.item() };
}

/** Bytes that have been sent over the loopback interface, by all processes. */
function bytesOnLoopback(): number {
  const line = /^\s*lo:(.*)$/m.exec(readFileSync("/proc/net/dev", "utf8"))?.[1] ?? "";
  return Number(line.trim().split(/\s+/)[8]);
}

/** Prints a row of the table, and seconds to stderr. */
function report(
  { adapters }: PreparedRun,
  costs: ReadonlyMap<Way, readonly Cost[]>,
  { size, sentByRank, areEqual }: { size: number; sentByRank: number; areEqual: boolean },
): void {
  const of = (way: Way) => costs.get(way) ?? [];
  const range = (values: readonly number[], digits: number) => {
    const { least, median, most } = rangeOf(values);
    return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
  };
  const ratio = (clock: keyof Cost, one: Way, other: Way, factor: number) =>
    range(
      of(one).map((cost, round) => (factor * cost[clock]) / (of(other)[round]?.[clock] ?? Number.NaN)),
      1,
    );
  const seconds = ways.map((way) => {
    const [wall, cpu] = (["wall", "cpu"] as const).map((clock) =>
      range(
        of(way).map((cost) => cost[clock]),
        3,
      ),
    );
    return `${way} ${wall} s, CPU ${cpu} s`;
  });
  console.error(
    [`${size} ranks, load ${loadavg()[0]?.toFixed(2)}`, ...seconds].join("\n"),
    `\nCPU time, alone / fixed: ${ratio("cpu", "alone", "fixed", 100)} %`,
  );
  const bytes = adapters.trainables().reduce((sum, { grad }) => sum + 4 * grad.numel, 0);
  const ideal = 100 / Math.min(size, fittingThreads(usableCores()));
  const cells = [
    ...[`${size}`, areEqual ? "yes" : "NO"],
    ...[ratio("wall", "alone", "fixed", ideal), ratio("wall", "alone", "apart", ideal)],
    ratio("wall", "fixed", "plain", 100),
    ...[sentByRank.toFixed(0), (sentByRank / bytes).toFixed(2)],
  ];
  print(`| ${cells.join(" | ")} |`);
  if (!areEqual) process.exitCode = 1;
}
