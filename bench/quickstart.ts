// The sweeps behind the quickstart and the table "Quickstart" of docs/results.md. One line a run is appended to the results
// file, and runs that it holds are not repeated, so that it can be stopped and started again.
//   OMP_NUM_THREADS=1 npx tsx bench/quickstart.ts RESULTS.jsonl STAGE [STEPS]
// Stages: `sweep` (seed 0: learning rates, ScaLoRA's column norms), `seeds` (the best of each over five other seeds), `table`
// (writes the Markdown tables into docs/results.md). STEPS: 300, as the quickstart has, or 1200.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mean, spread } from "../src/compare/statistics.ts";
import type { MethodSettings, Split } from "../src/quickstart/demo.ts";
import { gradeModel, prepareExercises } from "../src/quickstart/evaluate-model.ts";
import { prepareFolder } from "../src/quickstart/output-folder.ts";
import { runMethod } from "../src/quickstart/run-method.ts";
import { translationDemo } from "../src/quickstart/translation/demo.ts";
import { elementAt } from "../src/util/elements.ts";
import { keptRows } from "./kept-rows.ts";

const [resultsPath = "", stage] = process.argv.slice(2);
const quickstartSteps = translationDemo.training.steps;
const steps = Number(process.argv[4] ?? quickstartSteps);
const job = { ...translationDemo, training: { ...translationDemo.training, steps } };
const { signal } = new AbortController();
if (stage === undefined) throw new Error("usage: bench/quickstart.ts RESULTS.jsonl STAGE [STEPS]");

/** One run: a setting's name (its learning rate apart), the learning rate, the seed, and what it came to. */
interface Row {
  name: string;
  steps: number;
  lr: number;
  seed: number;
  /** On the validation set, by which settings are chosen. */
  valid: number;
  validWords: number;
  validLoss: number;
  test: number;
  testWords: number;
  testLoss: number;
  trainable: number;
  rank: number;
  entropyRank: number;
  cpuSeconds: number;
  failed?: string;
}

/** Results of runs of this length. */
const readRows = (): Row[] => keptRows<Row>(resultsPath).filter((row) => row.steps === steps);

type Adapter = MethodSettings["adapter"];

async function run(name: string, adapter: Adapter, lr: number, seed: number): Promise<void> {
  if (readRows().some((row) => row.name === name && row.lr === lr && row.seed === seed)) return;
  const out = mkdtempSync(join(tmpdir(), "quickstart-"));
  try {
    const task = job.makeExercises(seed);
    const { data } = prepareFolder(out, task);
    const place = { model: job.model, data, folder: out, name: "run" };
    const before = process.cpuUsage();
    const hooks = { signal, onEvent: () => undefined };
    const { result, tested } = await runMethod(job, { adapter, lr }, place, {
      seed,
      ...hooks,
      test: async (open) => {
        const score = async (part: Split) =>
          gradeModel(job, open, await prepareExercises(open, { task, data }, part), signal);
        return { validation: await score("validation"), test: await score("test") };
      },
    });
    const { validation, test } = tested;
    const { user, system } = process.cpuUsage(before);
    const { trainable, rank, entropyRank } = result;
    record({
      name,
      steps,
      lr,
      seed,
      trainable,
      rank,
      entropyRank,
      valid: validation.exact.value,
      validWords: validation.parts.value,
      validLoss: validation.loss,
      test: test.exact.value,
      testWords: test.parts.value,
      testLoss: test.loss,
      cpuSeconds: (user + system) / 1e6,
    });
  } catch (error) {
    const nothing = { valid: 0, validWords: 0, validLoss: 1e9, test: 0, testWords: 0, testLoss: 1e9 };
    const [failed = ""] = String(error).split("\n");
    const none = { trainable: 0, rank: 0, entropyRank: 0, cpuSeconds: 0 };
    record({ name, steps, lr, seed, ...nothing, ...none, failed });
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function record(row: Row): void {
  appendFileSync(resultsPath, `${JSON.stringify(row)}\n`);
  const { name, lr, seed, valid, validWords, validLoss, rank, cpuSeconds } = row;
  process.stderr.write(
    `${name} lr ${lr} seed ${seed}: exact ${valid.toFixed(3)} words ${validWords.toFixed(3)} loss ${validLoss.toFixed(4)} ` +
      `rank ${rank.toFixed(1)} cpu ${cpuSeconds.toFixed(1)}\n`,
  );
}

const lora = (rank: number): Adapter => ({ method: "lora", rank });
interface Sweep {
  name: string;
  adapter: Adapter;
  rates: number[];
}

function scaloraSweep(scale: number | "preserve", rates: number[]): Sweep {
  return {
    name: `scalora-i r=1 ${scale === "preserve" ? scale : `ρ=${scale}`}`,
    adapter: { method: "scalora-i", rank: 1, scale: scale === "preserve" ? scale : { columnNorm: scale } },
    rates,
  };
}

/** Settings are chosen on one seed and reported on others: another dictionary, other sentences, another start. */
const sweepSeed = 0;
const reportSeeds = [1, 2, 3, 4, 5];

/** Every setting with the learning rates of its sweep. */
const shortSweeps: Sweep[] = [
  { name: "lora r=1", adapter: lora(1), rates: [3e-3, 6e-3, 1e-2, 1.8e-2, 3e-2, 6e-2] },
  ...(["preserve", 0.3, 0.577, 1, 2, 4] as const).map((scale) =>
    scaloraSweep(scale, [3e-3, 6e-3, 1e-2, 1.8e-2, 3e-2]),
  ),
  { name: "lora r=2", adapter: lora(2), rates: [3e-3, 6e-3, 1e-2, 1.8e-2, 3e-2] },
  { name: "lora r=4", adapter: lora(4), rates: [3e-3, 6e-3, 1e-2, 1.8e-2, 3e-2] },
  { name: "full", adapter: { method: "full" }, rates: [3e-4, 1e-3, 2e-3, 3e-3, 6e-3, 1e-2, 1.8e-2] },
];

/** Coarser where the short runs showed the way. */
const longSweeps: Sweep[] = [
  { name: "lora r=1", adapter: lora(1), rates: [6e-3, 1e-2, 1.8e-2, 3e-2, 6e-2] },
  scaloraSweep("preserve", [6e-3, 1e-2, 1.8e-2, 3e-2]),
  scaloraSweep(0.3, [3e-3, 6e-3, 1e-2, 1.8e-2]),
  scaloraSweep(0.577, [3e-3, 6e-3, 1e-2, 1.8e-2, 3e-2]),
  scaloraSweep(1, [6e-3, 1e-2, 1.8e-2, 3e-2]),
  scaloraSweep(2, [6e-3, 1e-2, 1.8e-2, 3e-2]),
  { name: "lora r=2", adapter: lora(2), rates: [3e-3, 6e-3, 1e-2, 1.8e-2, 3e-2] },
  { name: "lora r=4", adapter: lora(4), rates: [3e-3, 6e-3, 1e-2, 1.8e-2] },
  { name: "full", adapter: { method: "full" }, rates: [1e-3, 3e-3, 6e-3] },
];

const sweeps = steps === quickstartSteps ? shortSweeps : longSweeps;

/** The rows of a setting's sweep, in the order of its learning rates. */
function sweepRows({ name, rates }: Sweep): Row[] {
  const rows = readRows().filter((row) => row.name === name && row.seed === sweepSeed);
  return rates.flatMap((lr) => rows.find((row) => row.lr === lr) ?? []);
}

const titleOf = ({ name }: Sweep) =>
  name
    .replace("scalora-i", "ScaLoRA-I")
    .replace("lora", "LoRA")
    .replace("full", "full fine-tuning")
    .replace(" preserve", ", default (preserve)")
    .replace(" ρ", ", ρ")
    .replaceAll("=", " = ");

/** More right words on the validation set are better; of equals, the lower loss. */
const better = (a: Row, b: Row) => (a.validWords - b.validWords || b.validLoss - a.validLoss) > 0;
const bestOf = (rows: readonly Row[]) => rows.reduce((best, row) => (better(row, best) ? row : best));

/** The settings that go to the test: each at its best learning rate, ScaLoRA-I also at its best column norm. */
function chosen(): { sweep: Sweep; lr: number; title: string }[] {
  const best = sweeps.map((sweep) => ({ sweep, row: bestOf(sweepRows(sweep)) }));
  const fixed = best.filter(({ sweep }) => sweep.name.includes("ρ="));
  const top = bestOf(fixed.map(({ row }) => row));
  return best
    .filter(({ sweep, row }) => !fixed.some((other) => other.sweep === sweep) || row === top)
    .map(({ sweep, row }) => ({ sweep, lr: row.lr, title: titleOf(sweep) }));
}

function writeTables(): void {
  const text = [
    "| method | lr | exact sentences | right words | loss | trainable | rank of the change (entropy rank) | CPU time |",
    "|---|---|---|---|---|---|---|---|",
    ...chosen().map(testRow),
    "",
    "Right words on the validation set, seed 0, by learning rate:",
    "",
    ...sweepTable(),
  ].join("\n");
  process.stdout.write(`${text}\n`);
  const path = "docs/results.md";
  const [begin, end] = [`<!-- bench/quickstart.ts, ${steps} steps -->`, "<!-- end -->"];
  const document = readFileSync(path, "utf8");
  const [before, rest] = document.split(begin);
  const after = rest?.slice(rest.indexOf(end));
  if (after === undefined) throw new Error(`${path} does not say where the tables go`);
  writeFileSync(path, `${before}${begin}\n${text}\n${after}`);
}

function testRow({ sweep, lr, title }: ReturnType<typeof chosen>[number]): string {
  const rows = readRows().filter(
    (row) => row.name === sweep.name && row.lr === lr && reportSeeds.includes(row.seed),
  );
  const show = (of: (row: Row) => number, digits: number) => spread(rows.map(of), digits);
  const cells = [
    title,
    String(lr),
    `${show((row) => 100 * row.test, 1)} %`,
    `${show((row) => 100 * row.testWords, 1)} %`,
    show((row) => row.testLoss, 3),
    elementAt(rows, 0).trainable.toLocaleString("en"),
    `${spread(
      rows.map(({ rank }) => rank),
      1,
    )} (${spread(
      rows.map(({ entropyRank }) => entropyRank),
      1,
    )})`,
    `${mean(rows.map(({ cpuSeconds }) => cpuSeconds)).toFixed(0)} s`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function sweepTable(): string[] {
  const rates = [...new Set(sweeps.flatMap((sweep) => sweep.rates))].sort((a, b) => a - b);
  return [
    `| | ${rates.join(" | ")} |`,
    `|---|${rates.map(() => "---|").join("")}`,
    ...sweeps.map((sweep) => {
      const rows = sweepRows(sweep);
      const best = bestOf(rows);
      const cell = (lr: number) => {
        const row = rows.find((candidate) => candidate.lr === lr);
        if (row === undefined) return "";
        const text = row.failed === undefined ? (100 * row.validWords).toFixed(1) : "fails";
        return row === best ? `**${text}**` : text;
      };
      return `| ${titleOf(sweep)} | ${rates.map(cell).join(" | ")} |`;
    }),
  ];
}

if (stage === "sweep")
  for (const { name, adapter, rates } of sweeps)
    for (const lr of rates) await run(name, adapter, lr, sweepSeed);
if (stage === "seeds")
  for (const seed of reportSeeds) {
    for (const { sweep, lr } of chosen()) await run(sweep.name, sweep.adapter, lr, seed);
  }
if (stage === "table") writeTables();
