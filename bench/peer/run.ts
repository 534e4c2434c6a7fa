// npm run bench -- [ROW…] [--out FOLDER] [--python PYTHON] [--models FOLDER] [--rounds 3]
// A LoRA training step of ours beside transformers + PEFT as its users run it (A) and tuned by hand (F). First each side must
// compute the same loss and gradients; then they take turns. Writes results.json, table.md and speed.svg into FOLDER after
// every row. Rows that are there already are not measured again, so it can be stopped and started at any time.
//   ROW      a row, or the beginning of several rows' names: S-float32-1, smollm2 (bench/peer/plan.ts); all of them without it
//   PYTHON   has torch, transformers and PEFT (requirements.txt); without it an environment is made in scalora's cache
//   --models a folder with smollm2, gemma3 or minilm; others are looked for where `scalora get` puts them
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../../src/util/errors.ts";
import { groupBy } from "../../src/util/group-by.ts";
import { resultsChart } from "./chart.ts";
import { peerPython } from "./environment.ts";
import { type Bench, measureRow, referenceOf } from "./measure.ts";
import { chooseRows, type PlanRow, plan } from "./plan.ts";
import { findModel, prepareModel } from "./prepare.ts";
import { type Results, readResults, withRow, writeResults } from "./results.ts";
import { resultsTable } from "./table.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string", default: ".local/bench" },
    python: { type: "string" },
    models: { type: "string" },
    rounds: { type: "string", default: "3" },
  },
});
const file = join(options.out, "results.json");
let results: Results;

try {
  const rounds = Number(options.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error("--rounds takes a number from 1");
  const chosen = chooseRows(positionals);
  results = readResults(file);
  const missing = chosen.filter(({ name }) => !results.rows.some((row) => row.name === name));
  console.error(`${chosen.length} rows, of which ${chosen.length - missing.length} are in ${file}`);
  const python = missing.length === 0 ? "" : await peerPython(options.python);
  for (const rows of groupBy(missing, ({ model }) => model.name))
    await measureModel(rows, { python, rounds });
  keep(results);
  process.stdout.write(resultsTable(results));
  if (results.failed.length > 0) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 2;
}

/** All rows of one model, in a folder that is removed behind them. */
async function measureModel(
  rows: readonly [PlanRow, ...PlanRow[]],
  { python, rounds }: Omit<Bench, "scratch">,
): Promise<void> {
  const [{ model }] = rows;
  const path = findModel(model, options.models);
  if (path === undefined) {
    const names = "names" in model.source ? model.source.names.join(" or ") : "";
    for (const { name } of rows)
      keep(withRow(results, "leftOut", { name, reason: `not on this machine; npx scalora get ${names}` }));
    return;
  }
  const scratch = resolve(options.out, "scratch");
  rmSync(scratch, { recursive: true, force: true });
  try {
    console.error(`preparing ${model.title}`);
    const prepared = await prepareModel(model, path, { python, out: scratch });
    const bench: Bench = { python, rounds, scratch };
    const reference = await referenceOf(prepared, bench);
    for (const row of rows) {
      console.error(row.name);
      const measure = async () =>
        keep(withRow(results, "rows", await measureRow(row, prepared, reference, bench)));
      await measure().catch((error) => fail(row, error));
    }
  } catch (error) {
    for (const row of rows) fail(row, error);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function fail({ name }: PlanRow, error: unknown): void {
  const reason = messageOf(error);
  console.error(`${name} failed: ${reason}`);
  keep(withRow(results, "failed", { name, reason }));
}

/** Writes the results so far, in the order of the plan. */
function keep(found: Results): void {
  const places = new Map(plan.map(({ name }, place) => [name, place]));
  const inOrder = <Row extends { name: string }>(rows: readonly Row[]) =>
    [...rows].sort((a, b) => (places.get(a.name) ?? 0) - (places.get(b.name) ?? 0));
  results = {
    ...found,
    rows: inOrder(found.rows),
    failed: inOrder(found.failed),
    leftOut: inOrder(found.leftOut),
  };
  mkdirSync(options.out, { recursive: true });
  writeResults(file, results);
  writeFileSync(join(options.out, "table.md"), resultsTable(results));
  writeFileSync(join(options.out, "speed.svg"), resultsChart(results.rows));
}
