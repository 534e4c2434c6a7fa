// A LoRA step of an encoder of ours beside transformers + PEFT: batches of 32 rows of CoLA, which are short and of unequal
// lengths; fp32, rank 8 on every linear layer, the last one trained whole; one process a side, in turns.
//   npm run tool -- bench/encoder/run.ts --python PYTHON --model FOLDER [--rounds 5] [--batches 8] [--threads 1] [--core N]
// FOLDER holds a BERT with its tokenizer.json. PYTHON has torch 2.11.0, transformers 5.17.0 and peft 0.21.2. One thread:
// CPU seconds; more: wall seconds, on a machine that does nothing else. That both compute the same is shown by the
// parity tests of src/models/encoder; here dropout and the factors' start are random.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Tokenizer } from "tokenizers";
import { z } from "zod";
import { runsTypeScript } from "../../src/testing/child-process.ts";
import { largestOf } from "../../src/util/elements.ts";
import { median, type Round, ratioText, startSide, takeTurns } from "../sides.ts";
import type { Batches } from "./batches-file.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const cola = fileURLToPath(new URL("../../../shared/data/glue/CoLA/train.tsv", import.meta.url));
const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: "" },
    model: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
    batches: { type: "string", default: "8" },
    threads: { type: "string", default: "1" },
    core: { type: "string" },
  },
});
if (options.python === "" || options.model === "" || !existsSync(cola)) {
  console.error(`needed: --python, --model, and CoLA in ${cola}`);
  process.exit(2);
}
const folder = resolve(options.model);
const sideResult = z.object({ seconds: z.number(), peakMiB: z.number(), trained: z.int() });
type SideResult = z.infer<typeof sideResult>;

const scratch = mkdtempSync(join(tmpdir(), "scalora-encoder-"));
try {
  const path = join(scratch, "batches.json");
  const batches = await readBatches(Number(options.batches));
  writeFileSync(path, JSON.stringify(batches));
  const settings = { env: { ...process.env, OMP_NUM_THREADS: options.threads }, core: options.core };
  const start = (command: string, ...program: string[]) =>
    startSide(sideResult, command, [...program, folder, path], settings);
  const sides = [
    start(options.python, join(here, "theirs.py")),
    start(process.execPath, ...runsTypeScript, join(here, "ours.ts")),
  ] as const;
  report(await takeTurns(sides, Number(options.rounds), ""), batches);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Rows of CoLA in the order of the file. */
async function readBatches(count: number): Promise<Batches> {
  const tokenizer = Tokenizer.fromFile(join(folder, "tokenizer.json"));
  tokenizer.disablePadding();
  const lines = readFileSync(cola, "utf8")
    .split("\n")
    .slice(0, 32 * count);
  const rows = await Promise.all(
    lines.map(async (line) => {
      const [, label, , text = ""] = line.split("\t");
      return { ids: (await tokenizer.encode(text)).getIds(), label: Number(label) };
    }),
  );
  return Array.from({ length: count }, (_, i) => rows.slice(32 * i, 32 * (i + 1)));
}

function report(rounds: readonly Round<SideResult>[], batches: Batches) {
  const lengths = batches.map((rows) => rows.map(({ ids }) => ids.length));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const padded = sum(lengths.map((each) => 32 * largestOf(each)));
  const sides = [rounds.map(([theirs]) => theirs), rounds.map(([, ours]) => ours)];
  const medians = (key: "seconds" | "peakMiB") =>
    sides.map((results) => median(results.map((result) => result[key])).toFixed(key === "seconds" ? 3 : 0));
  const trained = sides.map((results) => results[0]?.trained);
  const time = options.threads === "1" ? "CPU" : "wall";
  console.log(
    `${basename(folder)}, ${options.threads} thread(s), ${time} time, ${cpus()[0]?.model}; ` +
      `${sum(lengths.flat())} tokens, ${padded} with padding; trained: ${trained.join(" and ")}`,
  );
  const cells = [...medians("seconds"), ratioText(rounds), ...medians("peakMiB")];
  console.log(`| transformers + PEFT s a step | ours | ratio, median (each round) | peak MiB | ours |
|---|---|---|---|---|
| ${cells.join(" | ")} |`);
}
