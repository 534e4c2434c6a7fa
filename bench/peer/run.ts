// A LoRA training step of ours beside the same step of transformers + PEFT: as its users run it (row A of
// ../shared/peer/README.md), and tuned by hand in every exact way that was found (row F). Same weights, adapters and
// batches; loss and gradients are compared first; then processes in turn: A, ours, F, and again.
//   npm run tool -- bench/peer/run.ts --python PYTHON [--size S|M] [--rounds 2] [--batches 4] [--threads 1] [--core N] [--rows A,ours,F]
// PYTHON has torch 2.11.0, transformers 5.17.0 and peft 0.21.2. One thread: CPU seconds; more: wall seconds, on a machine
// that does nothing else.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { z } from "zod";
import { runsTypeScript } from "../../src/testing/child-process.ts";
import { elementAt, largestOf, zip } from "../../src/util/elements.ts";
import { median, pinned } from "../sides.ts";
import { aboutFile } from "./about-file.ts";

/** Relative; what fp32 sums in another order differ by at these sizes is a tenth of it. */
const tolerance = 1e-5;
const here = fileURLToPath(new URL(".", import.meta.url));
const peer = fileURLToPath(new URL("../../../shared/peer", import.meta.url));
const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: "" },
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
if (!existsSync(options.python)) {
  console.error("--python: a Python with torch 2.11.0, transformers 5.17.0 and peft 0.21.2 is needed");
  process.exit(2);
}

type About = z.infer<typeof aboutFile>;
const checkResult = z.object({
  loss: z.number(),
  lossError: z.number(),
  gradientError: z.object({ name: z.string(), error: z.number() }),
  gemmBackend: z.string(),
});
const ourTimes = z.object({ seconds: z.number(), peakMiB: z.number(), losses: z.array(z.number()) });
const peerTimes = z
  .object({ s_per_batch: z.number(), rss_mib: z.number(), losses: z.array(z.number()) })
  .transform(({ s_per_batch: seconds, rss_mib: peakMiB, losses }) => ({ seconds, peakMiB, losses }));
type Times = z.infer<typeof ourTimes>;
/** All results of a row, in the order of the rounds. */
interface Row {
  readonly name: string;
  readonly label: string;
  readonly measure: () => Promise<Times>;
  readonly results: Times[];
}

const keepMemory = { MALLOC_MMAP_THRESHOLD_: "8589934592", MALLOC_TRIM_THRESHOLD_: "8589934592" };
const folder = mkdtempSync(join(tmpdir(), "scalora-peer-"));
try {
  await run(options.python, [join(here, "export.py"), peer, folder, options.size, options.batches]);
  const about = aboutFile.parse(JSON.parse(readFileSync(join(folder, "about.json"), "utf8")));
  const checked = await runOurs("check", checkResult);
  console.error(`first batch: ${JSON.stringify(checked)}`);
  if (!(checked.lossError <= tolerance && checked.gradientError.error <= tolerance))
    throw new Error("loss or gradients differ: nothing is timed");
  const rows = chosenRows(about);
  await measure(rows);
  compareLosses(rows);
  console.log(
    `${options.size}, ${options.threads} thread(s), ${cpus()[0]?.model}, GEMM ${checked.gemmBackend}`,
  );
  console.log(table(rows, about.tokens / Number(options.batches)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The rows that `--rows` names, in its order. */
function chosenRows({ mediumIsFp32 }: About): Row[] {
  const medium = mediumIsFp32 ? ["--medium"] : [];
  const tuned = ["--layout", "unpad", "--label-only", "--fused-ce", "128", ...medium];
  const rows: Readonly<Record<string, Pick<Row, "label" | "measure">>> = {
    A: { label: "A: transformers + PEFT, defaults", measure: () => timePeer([]) },
    ours: { label: "ours", measure: () => runOurs("time", ourTimes) },
    F: {
      label: `F: transformers + PEFT tuned by hand, exact${mediumIsFp32 ? "" : " (without medium)"}`,
      measure: () => timePeer(tuned, keepMemory),
    },
  };
  return options.rows.split(",").map((name) => {
    const row = rows[name];
    if (row === undefined) throw new Error(`--rows: ${name} is none of ${Object.keys(rows).join(", ")}`);
    return { name, ...row, results: [] };
  });
}

async function measure(rows: readonly Row[]) {
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const { name, measure, results } of rows) {
      const result = await measure();
      console.error(`round ${round} ${name}: ${JSON.stringify(result)}`);
      results.push(result);
    }
  }
}

function runOurs<Result>(mode: string, result: z.ZodType<Result>) {
  return json(result, process.execPath, [...runsTypeScript, join(here, "ours.ts"), mode, folder]);
}

function timePeer(flags: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const script = join(peer, "bench_llama.py");
  const args = [script, "--size", options.size, "--n", options.batches, "--save-loss", ...flags];
  return json(peerTimes, options.python, args, env);
}

/** The losses of all steps, which the peer prints with five decimals. */
function compareLosses(rows: readonly Row[]) {
  const lossesOf = ({ results }: Row) => elementAt(results, 0).losses;
  const reference = lossesOf(elementAt(rows, 0));
  for (const row of rows) {
    const losses = lossesOf(row);
    const worst = largestOf(zip(losses, reference).map(([a, b]) => Math.abs(a - b)));
    console.error(
      `losses of ${losses.length} steps, ${row.name}: at most ${worst.toExponential(1)} from the first row's`,
    );
    if (!(worst <= 1e-4)) throw new Error(`the losses of ${row.name} are not those of the first row`);
  }
}

/** Medians over the rounds, and ratios to the first row. */
function table(rows: readonly Row[], tokensOfBatch: number) {
  const medians = ({ results }: Row) => ({
    seconds: median(results.map(({ seconds }) => seconds)),
    peak: median(results.map(({ peakMiB }) => peakMiB)),
  });
  const base = medians(elementAt(rows, 0));
  const lines = rows.map((row) => {
    const { seconds, peak } = medians(row);
    const cells = [
      row.label,
      seconds.toFixed(3),
      (tokensOfBatch / seconds).toFixed(0),
      `${(base.seconds / seconds).toFixed(2)}×`,
      peak.toFixed(0),
      `${((100 * peak) / base.peak).toFixed(0)} %`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const unit = options.threads === "1" ? "CPU s" : "s";
  const head = `| | ${unit} a step | tokens/s | speed | peak MiB | memory |\n|---|---|---|---|---|---|`;
  return `${head}\n${lines.join("\n")}`;
}

/** The last line that a command prints, as JSON. */
async function json<Result>(
  result: z.ZodType<Result>,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Result> {
  const lines = (await run(command, args, env)).trim().split("\n");
  return result.parse(JSON.parse(lines.at(-1) ?? ""));
}

async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { stdout } = await promisify(execFile)(...pinned(options.core, command, args), {
    env: { ...process.env, OMP_NUM_THREADS: options.threads, ...env },
    maxBuffer: 2 ** 26,
  });
  return stdout;
}
