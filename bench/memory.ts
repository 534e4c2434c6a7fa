// Is the memory that a run announces what it takes? For each configuration a process of its own trains some steps; the table
// compares the announced peak with the real one (the kernel's VmHWM):
//   OMP_NUM_THREADS=1 npx tsx bench/memory.ts [--smollm2 FOLDER] [--minilm FOLDER] [--only TEXT] [--program]
// Without folders of the real models only the tiny one is measured. With --program the processes are like programs that use
// scalora as a library, else like the command line.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runsTypeScript } from "../src/testing/child-process.ts";

interface Configuration {
  readonly name: string;
  readonly model: "smollm2" | "minilm" | "tiny";
  readonly dtype?: "bfloat16";
  readonly adapter: Readonly<Record<string, unknown>>;
  readonly batch: Readonly<Record<string, number | string>>;
  /** Most words of a training row, and of a held-out one; none are held out by default. */
  readonly words: number;
  readonly heldOutWords?: number;
}

const lora = { method: "lora", rank: 8 };
const full = { method: "full" };
const scaloraI = { method: "scalora-i", rank: 8, interval: 2 };
const qlora = { method: "qlora", rank: 8 };
const bfloat16 = { dtype: "bfloat16" } as const;
const smollm2 = { model: "smollm2" } as const;
const configurations: readonly Configuration[] = [
  { name: "LoRA", ...smollm2, adapter: lora, batch: { batchSize: 4 }, words: 40 },
  { name: "LoRA", ...smollm2, adapter: lora, batch: { batchTokens: 700 }, words: 100 },
  { name: "LoRA", ...smollm2, adapter: lora, batch: { batchTokens: 1500, recompute: "all" }, words: 100 },
  { name: "LoRA", ...smollm2, adapter: lora, batch: { batchSize: 1 }, words: 30, heldOutWords: 250 },
  { name: "LoRA", ...smollm2, ...bfloat16, adapter: lora, batch: { batchSize: 4 }, words: 60 },
  {
    name: "LoRA",
    ...smollm2,
    ...bfloat16,
    adapter: lora,
    batch: { batchTokens: 200 },
    words: 50,
    heldOutWords: 200,
  },
  { name: "ScaLoRA-I", ...smollm2, adapter: scaloraI, batch: { batchSize: 3 }, words: 40 },
  { name: "ScaLoRA-I", ...smollm2, ...bfloat16, adapter: scaloraI, batch: { batchTokens: 200 }, words: 50 },
  { name: "full", ...smollm2, adapter: full, batch: { batchSize: 2 }, words: 40 },
  { name: "full", ...smollm2, ...bfloat16, adapter: full, batch: { batchTokens: 150 }, words: 40 },
  { name: "QLoRA", ...smollm2, adapter: qlora, batch: { batchSize: 4 }, words: 40 },
  {
    name: "QLoRA",
    ...smollm2,
    ...bfloat16,
    adapter: qlora,
    batch: { batchTokens: 200 },
    words: 50,
    heldOutWords: 200,
  },
  { name: "DoRA", ...smollm2, adapter: { method: "dora", rank: 8 }, batch: { batchTokens: 200 }, words: 50 },
  { name: "LoRA", model: "minilm", adapter: lora, batch: { batchSize: 32 }, words: 40, heldOutWords: 40 },
  { name: "full", model: "minilm", adapter: full, batch: { batchSize: 16 }, words: 60, heldOutWords: 100 },
  { name: "LoRA", model: "tiny", adapter: lora, batch: { batchSize: 8 }, words: 30 },
  {
    name: "ScaLoRA-I",
    model: "tiny",
    ...bfloat16,
    adapter: scaloraI,
    batch: { batchTokens: 1024 },
    words: 30,
    heldOutWords: 60,
  },
  { name: "full", model: "tiny", adapter: full, batch: { batchTokens: 4096 }, words: 60, heldOutWords: 60 },
  { name: "full", model: "tiny", adapter: full, batch: { batchTokens: 9000, recompute: "all" }, words: 60 },
];

const { values: options } = parseArgs({
  options: {
    smollm2: { type: "string" },
    minilm: { type: "string" },
    only: { type: "string", default: "" },
    program: { type: "boolean", default: false },
  },
});
const models = {
  smollm2: options.smollm2,
  minilm: options.minilm,
  tiny: fileURLToPath(new URL("../assets/tiny", import.meta.url)),
};
const scratch = mkdtempSync(join(tmpdir(), "scalora-memory-"));
const print = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(" | ")} |\n`);
print([
  "model",
  "method",
  "precision",
  "batch",
  "longest row",
  "held out",
  "announced MiB",
  "real MiB",
  "error",
]);
print(Array.from({ length: 9 }, () => "---"));
let worst = 0;
try {
  for (const configuration of configurations) measure(configuration);
} finally {
  rmSync(scratch, { recursive: true });
}
process.stdout.write(`\nworst ${percent(worst)}\n`);

function measure(configuration: Configuration): void {
  const path = models[configuration.model];
  const { name, model, dtype = "float32", batch, words, heldOutWords } = configuration;
  const title = [
    model,
    name,
    dtype,
    Object.entries(batch)
      .map(([key, value]) => `${key}: ${value}`)
      .join(),
  ];
  if (path === undefined || !title.join(" ").includes(options.only)) return;
  const child = fileURLToPath(new URL("../src/recipes/testing/memory-child.ts", import.meta.url));
  const recipe = JSON.stringify(recipeOf(configuration, path));
  const args = [...runsTypeScript, child, recipe, ...(options.program ? ["program"] : [])];
  const { announced, peak } = JSON.parse(
    execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }),
  );
  const error = announced / peak - 1;
  if (Math.abs(error) > Math.abs(worst)) worst = error;
  const held = heldOutWords === undefined ? "–" : `${heldOutWords} words`;
  print([...title, `${words} words`, held, mebibytes(announced), mebibytes(peak), percent(error)]);
}

function recipeOf(configuration: Configuration, path: string) {
  const { model, dtype, adapter, batch, words, heldOutWords } = configuration;
  const at = (file: string, text: string) => {
    writeFileSync(join(scratch, file), text);
    return join(scratch, file);
  };
  const isClassifier = model === "minilm";
  return {
    model: { path, dtype: dtype ?? "float32", device: "cpu", gemmBackend: "aten" },
    adapter,
    data: {
      train: at("train.jsonl", rows(200, words, isClassifier)),
      eval: heldOutWords === undefined ? "none" : at("eval.jsonl", rows(6, heldOutWords, isClassifier)),
      ...(isClassifier && { format: "classification" }),
    },
    train: { steps: 4, ...batch, ...(heldOutWords !== undefined && { evalEvery: 2 }), saveEvery: 2 },
    run: { name: `run-${configurations.indexOf(configuration)}`, folder: scratch, samples: 0 },
  };
}

/** Rows of a third to all of `words` common words. */
function rows(count: number, words: number, isClassifier: boolean): string {
  const common = "the cat sat on a mat and saw how two birds went over some house with red doors".split(" ");
  const text = (seed: number, length: number) =>
    Array.from({ length }, (_, i) => common[(seed * 7 + i * (1 + (seed % 5))) % common.length]).join(" ");
  return Array.from({ length: count }, (_, i) => {
    const length = Math.ceil(words * (1 / 3 + (((i * 37) % 100) / 99) * (2 / 3)));
    return JSON.stringify(
      isClassifier
        ? { text: text(i, length), label: i % 2 }
        : { prompt: text(i, Math.ceil(length / 3)), completion: text(i + 1, length - Math.ceil(length / 3)) },
    );
  }).join("\n");
}

function percent(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)} %`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
