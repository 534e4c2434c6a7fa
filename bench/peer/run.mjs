// A LoRA training step of ours beside the same step of transformers + PEFT: as its users run it (row A of
// ../shared/peer/README.md), and tuned by hand in every exact way that was found (row F). Same weights, adapters and
// batches; loss and gradients are compared first; then processes in turn: A, ours, F, and again.
//   node bench/peer/run.mjs --python PYTHON [--size S|M] [--rounds 2] [--batches 4] [--threads 1] [--core N] [--rows A,ours,F]
// PYTHON has torch 2.11.0, transformers 5.17.0 and peft 0.21.2. One thread: CPU seconds; more: wall seconds, on a machine
// that does nothing else.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { refreshDist } from "../../scripts/repository/build.ts";

/** Relative; what fp32 sums in another order differ by at these sizes is a tenth of it. */
const tolerance = 1e-5;
const here = fileURLToPath(new URL(".", import.meta.url));
const peer = fileURLToPath(new URL("../../../shared/peer", import.meta.url));
const { values: options } = parseArgs({
  options: {
    python: { type: "string" },
    size: { type: "string", default: "S" },
    rounds: { type: "string", default: "2" },
    batches: { type: "string", default: "4" },
    threads: { type: "string", default: "1" },
    core: { type: "string" },
    rows: { type: "string", default: "A,ours,F" },
  },
});
if (!existsSync(peer)) {
  console.error(`There is no peer here: expected its scripts in ${peer}`);
  process.exit(1);
}
if (options.python === undefined || !existsSync(options.python)) {
  console.error("--python: a Python with torch 2.11.0, transformers 5.17.0 and peft 0.21.2 is needed");
  process.exit(2);
}

const keepMemory = { MALLOC_MMAP_THRESHOLD_: "8589934592", MALLOC_TRIM_THRESHOLD_: "8589934592" };
const folder = mkdtempSync(join(tmpdir(), "scalora-peer-"));
try {
  await refreshDist(console.error);
  await run(options.python, [join(here, "export.py"), peer, folder, options.size, options.batches]);
  const about = JSON.parse(readFileSync(join(folder, "about.json"), "utf8"));
  const checked = await json(process.execPath, [join(here, "ours.mjs"), "check", folder]);
  console.error(`first batch: ${JSON.stringify(checked)}`);
  if (!(checked.lossError <= tolerance && checked.gradientError.error <= tolerance))
    throw new Error("loss or gradients differ: nothing is timed");
  const results = await measure(about);
  console.log(
    `${options.size}, ${options.threads} thread(s), ${cpus()[0].model}, GEMM ${checked.gemmBackend}`,
  );
  console.log(table(results, about));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** All results of each row, in the order of the rounds. */
async function measure({ mediumIsFp32 }) {
  const tuned = [
    "--layout",
    "unpad",
    "--label-only",
    "--fused-ce",
    "128",
    ...(mediumIsFp32 ? ["--medium"] : []),
  ];
  const rows = {
    A: () => timePeer([]),
    ours: () => json(process.execPath, [join(here, "ours.mjs"), "time", folder]),
    F: () => timePeer(tuned, keepMemory),
  };
  const results = Object.fromEntries(options.rows.split(",").map((name) => [name, []]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, list] of Object.entries(results)) {
      const result = await rows[name]();
      console.error(`round ${round + 1} ${name}: ${JSON.stringify(result)}`);
      list.push(result);
    }
  }
  compareLosses(results);
  return results;
}

async function timePeer(flags, env = {}) {
  const script = [
    join(peer, "bench_llama.py"),
    "--size",
    options.size,
    "--n",
    options.batches,
    "--save-loss",
  ];
  const found = await json(options.python, [...script, ...flags], env);
  const { s_per_batch: seconds, rss_mib: peakMiB, losses } = found;
  return { seconds, peakMiB, losses };
}

/** The losses of all steps, which the peer prints with five decimals. */
function compareLosses(results) {
  const [reference] = Object.values(results)[0];
  for (const [name, [{ losses }]] of Object.entries(results)) {
    const worst = Math.max(...losses.map((loss, i) => Math.abs(loss - reference.losses[i])));
    console.error(
      `losses of ${losses.length} steps, ${name}: at most ${worst.toExponential(1)} from the first row's`,
    );
    if (!(worst <= 1e-4)) throw new Error(`the losses of ${name} are not those of the first row`);
  }
}

/** Medians over the rounds, and ratios to the first row. */
function table(results, { mediumIsFp32, tokens }) {
  const names = {
    A: "A: transformers + PEFT, defaults",
    ours: "ours",
    F: `F: transformers + PEFT tuned by hand, exact${mediumIsFp32 ? "" : " (without medium)"}`,
  };
  const base = Object.values(results)[0];
  const lines = Object.entries(results).map(([name, list]) => {
    const [seconds, peak] = [median(list, "seconds"), median(list, "peakMiB")];
    const cells = [
      names[name],
      seconds.toFixed(3),
      (tokens / Number(options.batches) / seconds).toFixed(0),
      `${(median(base, "seconds") / seconds).toFixed(2)}×`,
      peak.toFixed(0),
      `${((100 * peak) / median(base, "peakMiB")).toFixed(0)} %`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const unit = options.threads === "1" ? "CPU s" : "s";
  const head = `| | ${unit} a step | tokens/s | speed | peak MiB | memory |\n|---|---|---|---|---|---|`;
  return `${head}\n${lines.join("\n")}`;
}

function median(list, key) {
  const sorted = list.map((result) => result[key]).sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

async function json(command, args, env = {}) {
  return JSON.parse((await run(command, args, env)).trim().split("\n").at(-1));
}

async function run(command, args, env = {}) {
  const pinned =
    options.core === undefined ? [command, ...args] : ["taskset", "-c", options.core, command, ...args];
  const { stdout } = await promisify(execFile)(pinned[0], pinned.slice(1), {
    env: { ...process.env, OMP_NUM_THREADS: options.threads, ...env },
    maxBuffer: 2 ** 26,
  });
  return stdout;
}
