// npm run bench -- [ROW…] [--out FOLDER] [--python PYTHON] [--models FOLDER] [--rounds 3]
// A LoRA training step of ours beside transformers + PEFT as its users run it (A) and tuned by hand (F); ours without each of
// its techniques; and generation beside llama.cpp's. First each side of a step must compute the same loss and gradients; then
// they take turns. Writes results.json, tables and speed.svg into FOLDER after every row. Rows that are there already are not
// measured again, so it can be stopped and started at any time.
//   ROW      a row, or the beginning of several rows' names: S-float32-1, smollm2, techniques, generation (bench/peer/plan.ts);
//            all of them without it
//   PYTHON   has torch, transformers and PEFT (requirements.txt); without it an environment is made in scalora's cache
//   --models a folder with smollm2, gemma3 or minilm; others are looked for where `scalora get` puts them
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../../src/util/errors.ts";
import { groupBy } from "../../src/util/group-by.ts";
import { generationTable } from "../generation/generation-table.ts";
import { measureGeneration, prepareGeneration } from "../generation/measure-generation.ts";
import { installNodeLlamaCpp } from "../generation/node-llama-cpp.ts";
import { measureTechnique } from "../techniques/measure-technique.ts";
import { techniquesTable } from "../techniques/techniques-table.ts";
import { resultsChart } from "./chart.ts";
import { peerPython } from "./environment.ts";
import { measureRow } from "./measure.ts";
import {
  chooseRows,
  type GenerationRow,
  type PlanRow,
  plan,
  type StepRow,
  type TechniqueRow,
} from "./plan.ts";
import { findModel, prepareModel } from "./prepare.ts";
import { inOrder, isMeasured, type Results, readResults, withRow, writeResults } from "./results.ts";
import { referenceOf } from "./start-step.ts";
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
const scratch = resolve(options.out, "scratch");
const rounds = Number(options.rounds);
let results: Results;

try {
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error("--rounds takes a number from 1");
  const chosen = chooseRows(positionals);
  results = readResults(file);
  const missing = chosen.filter(({ name }) => !isMeasured(results, name));
  console.error(`${chosen.length} rows, of which ${chosen.length - missing.length} are in ${file}`);
  await measureSteps(missing.filter((row) => row.kind !== "generation"));
  await measureGenerations(missing.filter((row) => row.kind === "generation"));
  keep(results);
  process.stdout.write(
    allTables(results)
      .map(({ text }) => text)
      .filter(Boolean)
      .join("\n"),
  );
  if (results.failed.length > 0) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 2;
}

async function measureSteps(rows: readonly (StepRow | TechniqueRow)[]): Promise<void> {
  const python = rows.length === 0 ? "" : await peerPython(options.python);
  const bench = { python, rounds, scratch };
  for (const ofModel of groupBy(rows, ({ model }) => model.name))
    await withModel(ofModel, async (path) => {
      console.error(`preparing ${ofModel[0].model.title}`);
      const prepared = await prepareModel(ofModel[0].model, path, { python, out: scratch });
      const reference = await referenceOf(prepared, bench);
      for (const row of ofModel)
        await orFail([row], async () =>
          row.kind === "step"
            ? keep(withRow(results, "rows", await measureRow(row, prepared, reference, bench)))
            : keep(withRow(results, "techniques", await measureTechnique(row, prepared, reference, bench))),
        );
    });
}

async function measureGenerations(rows: readonly GenerationRow[]): Promise<void> {
  if (rows.length === 0) return;
  const nodeLlamaCpp = await installNodeLlamaCpp().catch((error) => leaveOut(rows, messageOf(error)));
  if (nodeLlamaCpp === undefined) return;
  for (const ofModel of groupBy(rows, ({ model }) => model.name))
    await withModel(ofModel, async (path) => {
      console.error(`preparing ${ofModel[0].model.title} in 8 bits`);
      const files = await prepareGeneration(path, scratch);
      for (const row of ofModel)
        await orFail([row], async () =>
          keep(withRow(results, "generation", await measureGeneration(row, files, { nodeLlamaCpp, rounds }))),
        );
    });
}

/** Measures rows of one model, which is at `path`, in a folder that is removed behind them. */
async function withModel(
  rows: readonly [PlanRow, ...PlanRow[]],
  measure: (path: string) => Promise<void>,
): Promise<void> {
  const [{ model }] = rows;
  const path = findModel(model, options.models);
  if (path === undefined) {
    const names = "names" in model.source ? model.source.names.join(" or ") : "";
    leaveOut(rows, `not on this machine; npx scalora get ${names}`);
    return;
  }
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  await orFail(rows, () => measure(path));
  rmSync(scratch, { recursive: true, force: true });
}

/** Rows that cannot be measured have failed; others go on. */
async function orFail(rows: readonly PlanRow[], measure: () => Promise<void>): Promise<void> {
  if (rows.length === 1) console.error(rows[0]?.name);
  try {
    await measure();
  } catch (error) {
    const reason = messageOf(error);
    for (const { name } of rows) {
      console.error(`${name} failed: ${reason}`);
      keep(withRow(results, "failed", { name, reason }));
    }
  }
}

function leaveOut(rows: readonly PlanRow[], reason: string): undefined {
  const line = reason.replaceAll(/\s*\n\s*/g, "; ");
  for (const { name } of rows) keep(withRow(results, "leftOut", { name, reason: line }));
}

/** Writes the results so far, in the order of the plan. */
function keep(found: Results): void {
  results = inOrder(
    found,
    plan.map(({ name }) => name),
  );
  mkdirSync(options.out, { recursive: true });
  writeResults(file, results);
  for (const { name, text } of allTables(results)) writeFileSync(join(options.out, name), text);
  writeFileSync(join(options.out, "speed.svg"), resultsChart(results.rows));
}

function allTables(found: Results): { name: string; text: string }[] {
  return [
    { name: "table.md", text: resultsTable(found) },
    { name: "techniques.md", text: techniquesTable(found) },
    { name: "generation.md", text: generationTable(found) },
  ];
}
