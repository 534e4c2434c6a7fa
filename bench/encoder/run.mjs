// A LoRA step of an encoder of ours beside transformers + PEFT: batches of 32 rows of CoLA, which are short and of unequal
// lengths; fp32, rank 8 on every linear layer, the last one trained whole; one process a side, in turns.
//   node bench/encoder/run.mjs --python PYTHON --model FOLDER [--rounds 5] [--batches 8] [--threads 1] [--core N]
// FOLDER holds a BERT with its tokenizer.json. PYTHON has torch 2.11.0, transformers 5.17.0 and peft 0.21.2. One thread:
// CPU seconds; more: wall seconds, on a machine that does nothing else. That both compute the same is shown by the
// parity tests of src/models/encoder; here dropout and the factors' start are random.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Tokenizer } from "tokenizers";
import { refreshDist } from "../../scripts/repository/build.ts";
import { median, ratioText, startSide, takeTurns } from "../sides.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const cola = fileURLToPath(new URL("../../../shared/data/glue/CoLA/train.tsv", import.meta.url));
const { values: options } = parseArgs({
  options: {
    python: { type: "string" },
    model: { type: "string" },
    rounds: { type: "string", default: "5" },
    batches: { type: "string", default: "8" },
    threads: { type: "string", default: "1" },
    core: { type: "string" },
  },
});
if (options.python === undefined || options.model === undefined || !existsSync(cola)) {
  console.error(`needed: --python, --model, and CoLA in ${cola}`);
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), "scalora-encoder-"));
try {
  await refreshDist(console.error);
  const path = join(scratch, "batches.json");
  const batches = await readBatches(Number(options.batches));
  writeFileSync(path, JSON.stringify(batches));
  const folder = resolve(options.model);
  const settings = { env: { ...process.env, OMP_NUM_THREADS: options.threads }, core: options.core };
  const sides = [
    startSide(options.python, [join(here, "theirs.py"), folder, path], settings),
    startSide(process.execPath, [join(here, "ours.mjs"), folder, path], settings),
  ];
  report(await takeTurns(sides, Number(options.rounds), ""), batches);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Rows of CoLA in the order of the file. */
async function readBatches(count) {
  const tokenizer = Tokenizer.fromFile(join(options.model, "tokenizer.json"));
  tokenizer.disablePadding();
  const lines = readFileSync(cola, "utf8")
    .split("\n")
    .slice(0, 32 * count);
  const rows = await Promise.all(
    lines.map(async (line) => {
      const [, label, , text] = line.split("\t");
      return { ids: (await tokenizer.encode(text)).getIds(), label: Number(label) };
    }),
  );
  return Array.from({ length: count }, (_, i) => rows.slice(32 * i, 32 * (i + 1)));
}

function report(pairs, batches) {
  const [theirs, ours] = pairs[0];
  const lengths = batches.flat().map(({ ids }) => ids.length);
  const padded = batches.flatMap((rows) => 32 * Math.max(...rows.map(({ ids }) => ids.length)));
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const of = (i, key) => median(pairs.map((pair) => pair[i][key]));
  const time = options.threads === "1" ? "CPU" : "wall";
  console.log(
    `${basename(resolve(options.model))}, ${options.threads} thread(s), ${time} time, ${cpus()[0].model}; ` +
      `${sum(lengths)} tokens, ${sum(padded)} with padding; trained: ${theirs.trained} and ${ours.trained}`,
  );
  console.log(`| transformers + PEFT s a step | ours | ratio, median (each round) | peak MiB | ours |
|---|---|---|---|---|
| ${of(0, "seconds").toFixed(3)} | ${of(1, "seconds").toFixed(3)} | ${ratioText(pairs)} | ${of(0, "peakMiB").toFixed(0)} | ${of(1, "peakMiB").toFixed(0)} |`);
}
