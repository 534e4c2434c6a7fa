// The quickstart's job at learning rates and seeds of your choice, and a table of them (the one in docs/results.md is of
// `npm start`, two seeds at one rate). Each seed has its own messages. One line a run is appended to the results file, and runs
// that it holds are not repeated.
//   npx tsx bench/records.ts MODEL RESULTS.jsonl RATE,… SEED,…    trains each method with each of them, as the quickstart does
//   npx tsx bench/records.ts MODEL RESULTS.jsonl                  prints the table
// MODEL: folder or file of SmolLM2-135M-Instruct.
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spread } from "../src/compare/statistics.ts";
import type { Split } from "../src/quickstart/demo.ts";
import { gradeModel, prepareExercises, type TestResult } from "../src/quickstart/evaluate-model.ts";
import { prepareFolder } from "../src/quickstart/output-folder.ts";
import { recordsDemo } from "../src/quickstart/records/demo.ts";
import { runMethod } from "../src/quickstart/run-method.ts";
import { keptRows } from "./kept-rows.ts";

const [model = "", resultsPath = "", rates, seeds = "0"] = process.argv.slice(2);
if (resultsPath === "") throw new Error("usage: bench/records.ts MODEL RESULTS.jsonl [RATE,… SEED,…]");
const job = recordsDemo(model);
const { signal } = new AbortController();

/** Figures on one split. */
interface Score {
  readonly exact: number;
  readonly fields: number;
  readonly loss: number;
}

interface Row {
  readonly method: string;
  readonly lr: number;
  readonly seed: number;
  readonly validation: Score;
  readonly test: Score;
  readonly trainable: number;
  readonly rank: number;
  /** CPU seconds of training, ranks and both tests. */
  readonly cpuSeconds: number;
}

const readRows = (): Row[] => keptRows(resultsPath);

const scoreOf = ({ exact, parts, loss }: TestResult): Score => ({
  exact: exact.value,
  fields: parts.value,
  loss,
});

async function run(lr: number, seed: number): Promise<void> {
  const out = mkdtempSync(join(tmpdir(), "records-"));
  const task = job.makeExercises(seed);
  const { data } = prepareFolder(out, task);
  try {
    for (const { adapter } of job.methods) {
      const { method } = adapter;
      if (readRows().some((row) => row.method === method && row.lr === lr && row.seed === seed)) continue;
      const before = process.cpuUsage();
      const place = { model, data, folder: out, name: method };
      const { result, tested } = await runMethod(job, { adapter, lr }, place, {
        seed,
        signal,
        onEvent: () => undefined,
        test: async (open) => {
          const score = async (part: Split) =>
            scoreOf(await gradeModel(job, open, await prepareExercises(open, { task, data }, part), signal));
          return { validation: await score("validation"), test: await score("test") };
        },
      });
      const { user, system } = process.cpuUsage(before);
      const { trainable, rank } = result;
      const row: Row = { method, lr, seed, ...tested, trainable, rank, cpuSeconds: (user + system) / 1e6 };
      appendFileSync(resultsPath, `${JSON.stringify(row)}\n`);
      process.stderr.write(`${JSON.stringify(row)}\n`);
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function printTable(): void {
  const titles =
    "| method | lr | seeds | exact records | right fields | loss | exact, validation | rank of the change |";
  const lines = job.methods.flatMap(({ adapter: { method } }) => {
    const own = readRows().filter((row) => row.method === method);
    return [...new Set(own.map(({ lr }) => lr))]
      .sort((a, b) => a - b)
      .map((lr) => {
        const rows = own.filter((row) => row.lr === lr);
        const show = (of: (row: Row) => number, digits: number) => spread(rows.map(of), digits);
        const cells = [
          ...[method, String(lr), String(rows.length)],
          `${show(({ test }) => 100 * test.exact, 1)} %`,
          `${show(({ test }) => 100 * test.fields, 1)} %`,
          show(({ test }) => test.loss, 3),
          `${show(({ validation }) => 100 * validation.exact, 1)} %`,
          show(({ rank }) => rank, 1),
        ];
        return `| ${cells.join(" | ")} |`;
      });
  });
  process.stdout.write(`${[titles, "|---|---|---|---|---|---|---|---|", ...lines].join("\n")}\n`);
}

if (rates === undefined) printTable();
else
  for (const seed of seeds.split(",").map(Number))
    for (const lr of rates.split(",").map(Number)) await run(lr, seed);
