// The sweeps behind the quickstart's JSON records and their tables in docs/results.md. One line a run is appended to the results
// file, and runs that it holds are not repeated, so that it can be stopped and started again.
//   npx tsx bench/records.ts MODEL RESULTS.jsonl STAGE
// MODEL: folder or file of SmolLM2-135M-Instruct. Stages: `sweep` (seed 0: learning rates, chosen by the lowest validation loss),
// `seeds` (each method at its best, and the model before, on three seeds' tests), `table` (prints the Markdown tables).
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spread } from "../src/compare/statistics.ts";
import type { MethodSettings } from "../src/quickstart/demo.ts";
import { evaluateModel, type TestResult } from "../src/quickstart/evaluate-model.ts";
import { prepareFolder } from "../src/quickstart/output-folder.ts";
import { makeRecipe } from "../src/quickstart/recipe.ts";
import { recordsDemo } from "../src/quickstart/records/demo.ts";
import { runMethod } from "../src/quickstart/run-method.ts";
import { runTraining } from "../src/recipes/run-training.ts";
import { elementAt } from "../src/util/elements.ts";

const [model = "", resultsPath = "", stage] = process.argv.slice(2);
if (stage === undefined) throw new Error("usage: bench/records.ts MODEL RESULTS.jsonl STAGE");

const rates = [2e-3, 5e-3, 7e-3, 1e-2, 2e-2];
const sweepSeed = 0;
const reportSeeds = [1, 2, 3];
const job = recordsDemo(model);
const { signal } = new AbortController();
const hooks = { signal, onEvent: () => undefined };

interface SweepRow {
  stage: "sweep";
  method: string;
  lr: number;
  validLoss: number;
}

interface TestRow {
  stage: "seeds";
  /** `before` is the model untrained. */
  method: string;
  seed: number;
  exact: number;
  fields: number;
  loss: number;
  trainable: number;
  rank: number;
  memory: number;
  cpuSeconds: number;
}

const readRows = (): (SweepRow | TestRow)[] =>
  existsSync(resultsPath)
    ? readFileSync(resultsPath, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line): SweepRow | TestRow => JSON.parse(line))
    : [];
const sweepRows = (method: string) =>
  readRows().flatMap((row) => (row.stage === "sweep" && row.method === method ? [row] : []));
const testRows = (method: string) =>
  readRows().flatMap((row) => (row.stage === "seeds" && row.method === method ? [row] : []));

function record(row: SweepRow | TestRow): void {
  appendFileSync(resultsPath, `${JSON.stringify(row)}\n`);
  process.stderr.write(`${JSON.stringify(row)}\n`);
}

async function withTask<T>(seed: number, use: (place: Place) => Promise<T>): Promise<T> {
  const out = mkdtempSync(join(tmpdir(), "records-"));
  const task = job.makeExercises(seed);
  try {
    return await use({ job, task, out, data: prepareFolder(out, task) });
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
type Place = { job: typeof job; task: ReturnType<typeof job.makeExercises>; out: string; data: string };

async function sweep({ adapter }: MethodSettings, lr: number): Promise<void> {
  const { method } = adapter;
  if (sweepRows(method).some((row) => row.lr === lr)) return;
  await withTask(sweepSeed, async ({ out, data }) => {
    const place = { model, data, folder: out, name: "run" };
    const { bestEvalLoss } = await runTraining(makeRecipe(job, { adapter, lr }, place, sweepSeed), hooks);
    record({ stage: "sweep", method, lr, validLoss: bestEvalLoss ?? Number.POSITIVE_INFINITY });
  });
}

const bestRate = (method: string) =>
  sweepRows(method).reduce((best, row) => (row.validLoss < best.validLoss ? row : best)).lr;

const shown = ({ exact, parts, loss }: TestResult) => ({ exact: exact.value, fields: parts.value, loss });

async function test({ adapter }: MethodSettings, seed: number): Promise<void> {
  const { method } = adapter;
  if (testRows(method).some((row) => row.seed === seed)) return;
  await withTask(seed, async (place) => {
    const before = process.cpuUsage();
    const settings = { adapter, lr: bestRate(method) };
    const at = { model, data: place.data, folder: place.out, name: "run" };
    const { folder, trainable, rank, memory } = await runMethod(job, settings, at, { seed, ...hooks });
    const { user, system } = process.cpuUsage(before);
    const score = await evaluateModel(place, folder, "test", signal);
    const cost = { trainable, rank, memory, cpuSeconds: (user + system) / 1e6 };
    record({ stage: "seeds", method, seed, ...shown(score), ...cost });
  });
}

async function testBefore(seed: number): Promise<void> {
  if (testRows("before").some((row) => row.seed === seed)) return;
  await withTask(seed, async (place) => {
    const score = await evaluateModel(place, model, "test", signal);
    const nothing = { trainable: 0, rank: 0, memory: 0, cpuSeconds: 0 };
    record({ stage: "seeds", method: "before", seed, ...shown(score), ...nothing });
  });
}

function printTables(): void {
  const methods = job.methods.map(({ adapter }) => adapter.method);
  const lines = [
    "| | lr | exact records | right fields | loss | trainable | rank of the change | CPU time of training |",
    "|---|---|---|---|---|---|---|---|",
    ...["before", ...methods].map((method) => {
      const rows = testRows(method);
      const show = (of: (row: TestRow) => number, digits: number) => spread(rows.map(of), digits);
      const trained = method !== "before";
      const cells = [
        ...[method, trained ? String(bestRate(method)) : ""],
        `${show(({ exact }) => 100 * exact, 1)} %`,
        `${show(({ fields }) => 100 * fields, 1)} %`,
        show(({ loss }) => loss, 3),
        ...(trained
          ? [elementAt(rows, 0).trainable.toLocaleString("en"), show(({ rank }) => rank, 1)]
          : ["", ""]),
        trained ? `${show(({ cpuSeconds }) => cpuSeconds, 0)} s` : "",
      ];
      return `| ${cells.join(" | ")} |`;
    }),
    "",
    `| validation loss at lr | ${rates.join(" | ")} |`,
    `|---|${rates.map(() => "---|").join("")}`,
    ...methods.map((method) => {
      const cell = (lr: number) => {
        const row = sweepRows(method).find((candidate) => candidate.lr === lr);
        const text = row?.validLoss.toFixed(4) ?? "";
        return row && lr === bestRate(method) ? `**${text}**` : text;
      };
      return `| ${method} | ${rates.map(cell).join(" | ")} |`;
    }),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

if (stage === "sweep") for (const lr of rates) for (const method of job.methods) await sweep(method, lr);
if (stage === "seeds")
  for (const seed of reportSeeds) {
    await testBefore(seed);
    for (const method of job.methods) await test(method, seed);
  }
if (stage === "table") printTables();
