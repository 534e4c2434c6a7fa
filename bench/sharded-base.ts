// A model that does not fit into what one process may take, trained by ranks that share its base out (train.shardBase), each of
// which may take as much:
//   npx tsx bench/sharded-base.ts [--ranks 4] [--limit 800] [--layers 12] [--hidden 1024] [--method scalora-i] [--quantization nf4]
// A random Llama in float32. Every process is in a control group of its own that ends it when it takes more than --limit MiB.
// Announced: the peak that `check` and the head of a run name; real: the most that was resident (VmHWM) on each rank.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseRecipe } from "../src/config/index.ts";
import { initProcessGroup } from "../src/distributed/index.ts";
import { runRanks } from "../src/distributed/run-ranks.ts";
import { runTraining } from "../src/recipes/run-training.ts";
import { makeMemoryGroup } from "../src/testing/memory-group.ts";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { gatherNumbers, keepFreedMemory, memory, setThreads } from "../src/torch/index.ts";

const { values: options } = parseArgs({
  options: {
    ranks: { type: "string", default: "4" },
    limit: { type: "string", default: "800" },
    layers: { type: "string", default: "12" },
    hidden: { type: "string", default: "1024" },
    method: { type: "string", default: "scalora-i" },
    quantization: { type: "string", default: "none" },
    recipe: { type: "string" },
  },
});
const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
const print = (...cells: (string | number)[]) => process.stdout.write(`| ${cells.join(" | ")} |\n`);

if (options.recipe === undefined) await compare();
else await train(options.recipe);

async function compare(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "scalora-sharded-"));
  try {
    const [hidden, layers] = [Number(options.hidden), Number(options.layers)];
    const sizes = { hidden_size: hidden, intermediate_size: 4 * hidden, num_hidden_layers: layers };
    writeTinyLlama(join(scratch, "model"), { config: { ...sizes, initializer_range: 0.02 } });
    const rows = Array.from({ length: 64 }, (_, i) => ({
      prompt: `after ${i} comes `,
      completion: `${i + 1}.`,
    }));
    writeFileSync(join(scratch, "train.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    print("processes", "base", "limit MiB", "ended", "announced MiB", "real MiB, rank by rank", "seconds");
    print(...Array.from({ length: 7 }, () => "---"));
    await measure(scratch, 1, false);
    await measure(scratch, Number(options.ranks), true);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function measure(scratch: string, nproc: number, shardBase: boolean): Promise<void> {
  const limit = Number(options.limit);
  const groups = Array.from({ length: nproc }, (_, rank) => {
    const group = makeMemoryGroup(limit * 2 ** 20, `sharded-${process.pid}-${rank}`);
    if (group === undefined) throw new Error("this process may not make control groups");
    return group;
  });
  const recipe = JSON.stringify(recipeOf(scratch, nproc, shardBase));
  const result = join(scratch, `result-${nproc}`);
  const enter = `case $RANK in ${groups.map(({ path }, rank) => `${rank}) echo $$ > ${path}/cgroup.procs;;`).join(" ")} esac`;
  const self = [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)];
  const begin = performance.now();
  const { failure } = await runRanks({
    command: "sh",
    args: ["-c", `${enter}; exec "$0" "$@" > ${result}.$RANK`, ...self, "--recipe", recipe],
    nproc,
    env: { ...process.env, OMP_NUM_THREADS: "1", SCALORA_GEMM_BACKEND: "aten", SCALORA_MEMORY_CHECK: "off" },
    log: (line) => process.stderr.write(`${line}\n`),
  });
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  for (const group of groups) group[Symbol.dispose]();
  const ended = failure ? (failure.signal ?? `exit code ${failure.code}`) : "trained";
  const { announced, peaks } = failure
    ? { announced: 0, peaks: [] }
    : JSON.parse(readFileSync(`${result}.0`, "utf8"));
  print(
    ...[nproc, shardBase ? "shared out" : "whole", limit, ended],
    ...[failure ? "–" : mebibytes(announced), peaks.map(mebibytes).join(", ") || "–", seconds],
  );
}

function recipeOf(scratch: string, nproc: number, shardBase: boolean) {
  const { method, quantization } = options;
  return {
    model: { path: join(scratch, "model"), device: "cpu", quantization, gemmBackend: "aten" },
    adapter: { method, rank: 8, ...(method === "scalora-i" && { interval: 2 }) },
    data: { train: join(scratch, "train.jsonl"), eval: { holdOut: 4 } },
    train: {
      steps: 3,
      batchSize: 1,
      accumulate: 4 / nproc,
      lr: 1e-4,
      warmup: 0,
      ...(shardBase ? { shardBase } : { recompute: "all" }),
    },
    run: { name: `run-${nproc}`, folder: scratch, samples: 0 },
  };
}

/** One rank: trains, and rank 0 prints what was announced and what each rank took. */
async function train(recipe: string): Promise<void> {
  process.env["LRU_CACHE_CAPACITY"] = "64";
  keepFreedMemory();
  setThreads(1);
  using group = await initProcessGroup();
  let announced = 0;
  await runTraining(parseRecipe(JSON.parse(recipe)), {
    signal: new AbortController().signal,
    group,
    onEvent: (event) => {
      if (event.type === "start") announced = event.environment.estimatedMemory ?? 0;
    },
  });
  const peaks = [...(await gatherNumbers(group, memory().peak))];
  if (group.rank === 0) process.stdout.write(JSON.stringify({ announced, peaks }));
}
