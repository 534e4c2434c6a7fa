// Runs one recipe under several settings, learning rates and seeds, and prints the table of a fair comparison: each setting
// at the learning rate that was best for it on average over the seeds, mean ± standard deviation of the held-out loss.
//   node bench/sweep.mjs PLAN.yaml RESULTS.jsonl
// PLAN.yaml: `recipe: file.yaml`, `seeds: [0, 1]`, `settings: {name: {lr: [...], set: ["adapter.rank=1", ...]}}`.
// Results are appended one line a run; runs that the file already holds are not repeated.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { loadRecipe } from "../dist/config/index.js";
import { runTraining } from "../dist/recipes/sft.js";

const [planPath, resultsPath] = process.argv.slice(2);
if (resultsPath === undefined) {
  console.error("usage: node bench/sweep.mjs PLAN.yaml RESULTS.jsonl");
  process.exit(2);
}
const plan = parse(readFileSync(planPath, "utf8"));

const readResults = () =>
  existsSync(resultsPath)
    ? readFileSync(resultsPath, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];

async function runOne(name, set, lr, seed) {
  const folder = mkdtempSync(join(tmpdir(), "sweep-"));
  try {
    const overrides = [
      ...set,
      `train.lr=${lr}`,
      `train.seed=${seed}`,
      `run.folder=${folder}`,
      "run.name=run",
    ];
    const recipe = loadRecipe(plan.recipe, { set: overrides });
    const started = process.cpuUsage();
    const result = await runTraining(recipe, { signal: new AbortController().signal, onEvent: () => {} });
    const { user, system } = process.cpuUsage(started);
    const { evalLoss, bestEvalLoss, loss, parameters } = result;
    return {
      name,
      lr,
      seed,
      evalLoss,
      bestEvalLoss,
      loss,
      trainable: parameters.trainable,
      cpuSeconds: (user + system) / 1e6,
    };
  } catch (error) {
    // A run that diverges is a result too.
    return { name, lr, seed, evalLoss: null, failed: String(error).split("\n")[0] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const seed of plan.seeds) {
  for (const [name, { lr: rates, set = [] }] of Object.entries(plan.settings)) {
    for (const lr of rates) {
      if (readResults().some((row) => row.name === name && row.lr === lr && row.seed === seed)) continue;
      const row = await runOne(name, set, lr, seed);
      appendFileSync(resultsPath, `${JSON.stringify(row)}\n`);
      process.stderr.write(`${name} lr ${lr} seed ${seed}: ${row.evalLoss?.toFixed(4) ?? row.failed}\n`);
    }
  }
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) =>
  Math.sqrt(
    mean(values.map((value) => (value - mean(values)) ** 2)) *
      (values.length / Math.max(1, values.length - 1)),
  );
const show = (values) => `${mean(values).toFixed(3)} ± ${deviation(values).toFixed(3)}`;

console.log("| setting | best lr | held-out loss | trainable | all learning rates |");
console.log("|---|---|---|---|---|");
for (const [name, { lr: rates }] of Object.entries(plan.settings)) {
  const rows = readResults().filter((row) => row.name === name);
  const byRate = rates.map((lr) => ({
    lr,
    losses: rows.filter((row) => row.lr === lr).map((row) => row.evalLoss ?? Number.NaN),
  }));
  const finite = byRate.filter(({ losses }) => losses.length > 0 && losses.every(Number.isFinite));
  if (finite.length === 0) continue;
  const best = finite.reduce((a, b) => (mean(b.losses) < mean(a.losses) ? b : a));
  const all = byRate
    .filter(({ losses }) => losses.length > 0)
    .map(({ lr, losses }) => `${lr}: ${show(losses)}`)
    .join(", ");
  console.log(`| ${name} | ${best.lr} | ${show(best.losses)} | ${rows[0].trainable} | ${all} |`);
}
