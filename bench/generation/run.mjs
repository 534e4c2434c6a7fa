// Greedy generation of ours (`generateBatch`, the engine of `scalora eval`) beside transformers' `generate`: fp32, the same
// folder of weights, the same prompts, the same number of new tokens; one process a side, which take turns within a
// round. The outputs are compared too.
//   node bench/generation/run.mjs --python PYTHON --model FOLDER|M [--rounds 3] [--tokens 128] [--threads 1] [--core N]
// M is a Llama of random weights (prepare.py). PYTHON has torch 2.11.0 and transformers 5.17.0. One thread: CPU
// seconds; more: wall seconds, on a machine that does nothing else.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { refreshDist } from "../../scripts/repository/build.ts";
import { median, ratioText, startSide, takeTurns } from "../sides.mjs";

const batches = [1, 8];
const here = fileURLToPath(new URL(".", import.meta.url));
const { values: options } = parseArgs({
  options: {
    python: { type: "string" },
    model: { type: "string", default: "M" },
    rounds: { type: "string", default: "3" },
    tokens: { type: "string", default: "128" },
    threads: { type: "string", default: "1" },
    core: { type: "string" },
  },
});
if (options.python === undefined || !existsSync(options.python)) {
  console.error("--python: a Python with torch 2.11.0 and transformers 5.17.0 is needed");
  process.exit(2);
}

const env = { ...process.env, OMP_NUM_THREADS: options.threads };
const scratch = mkdtempSync(join(tmpdir(), "scalora-generation-"));
try {
  await refreshDist(console.error);
  const model = options.model === "M" ? "M" : resolve(options.model);
  const count = String(Math.max(...batches));
  execFileSync(options.python, [join(here, "prepare.py"), scratch, model, count], {
    env,
    stdio: "pipe",
  });
  const threads = `${options.threads} thread(s), ${options.threads === "1" ? "CPU" : "wall"} time`;
  const rows = [];
  for (const batch of batches) rows.push(row(batch, await measure(batch)));
  console.log(`${basename(model)}, ${options.tokens} new tokens, ${threads}, ${cpus()[0].model}`);
  console.log(`| batch | transformers tokens/s | ours | ratio, median (each round) | peak MiB | ours | same tokens |
|---|---|---|---|---|---|---|
${rows.join("\n")}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Every round's result of each side, `[theirs, ours][]`. */
function measure(batch) {
  const { folder } = JSON.parse(readFileSync(join(scratch, "prompts.json"), "utf8"));
  const args = [folder, join(scratch, "prompts.json"), options.tokens];
  const settings = { env, core: options.core };
  const sides = [
    startSide(options.python, [join(here, "theirs.py"), ...args], settings),
    startSide(process.execPath, [join(here, "ours.mjs"), ...args], settings),
  ];
  console.error(`batch ${batch}`);
  return takeTurns(sides, Number(options.rounds), batch);
}

function row(batch, pairs) {
  const speed = (result) => (batch * Number(options.tokens)) / result.seconds;
  const of = (i, value) => median(pairs.map((pair) => value(pair[i])));
  const cells = [
    batch,
    of(0, speed).toFixed(1),
    of(1, speed).toFixed(1),
    ratioText(pairs),
    of(0, ({ peakMiB }) => peakMiB).toFixed(0),
    of(1, ({ peakMiB }) => peakMiB).toFixed(0),
    sameOutputs(pairs[0]),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** How many outputs are the same to the last token. */
function sameOutputs([theirs, ours]) {
  const same = ours.tokens.filter((tokens, i) => tokens.join() === theirs.tokens[i].join());
  return `${same.length} of ${ours.tokens.length}`;
}
