// Runs one recipe under several settings and prints the table of a fair comparison. Learning rates are swept on the first
// seed; each setting runs on the other seeds at its best one. The table has the mean ± standard deviation over the seeds
// of the task's score (of the best checkpoint, the higher the better) where the recipe's data have one, else of the held-out loss.
//   node bench/sweep.mjs PLAN.yaml RESULTS.jsonl
// PLAN.yaml: `recipe: file.yaml`, `seeds: [0, 1]`, `set: ["train.steps=60", ...]` for all runs if you like,
// `settings: {name: {lr: [...], set: ["adapter.rank=1", ...]}}`.
// Results are appended one line a run; runs that the file already holds are not repeated.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { loadRecipe } from "../dist/config/index.js";
import { runTraining } from "../dist/recipes/run-training.js";

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
      ...(plan.set ?? []),
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
    const { evalLoss, bestEvalLoss, bestScore, loss, parameters } = result;
    return {
      name,
      lr,
      seed,
      evalLoss,
      bestEvalLoss,
      score: bestScore,
      loss,
      trainable: parameters.trainable,
      cpuSeconds: (user + system) / 1e6,
    };
  } catch (error) {
    // A run that diverges is a result too.
    return { name, lr, seed, evalLoss: null, score: null, failed: String(error).split("\n")[0] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const hasScore = (row) => Number.isFinite(row.score);
const resultOf = (row) => (hasScore(row) ? row.score : (row.evalLoss ?? Number.NaN));
const isBetter = (a, b) => (hasScore(a) ? resultOf(a) > resultOf(b) : resultOf(a) < resultOf(b));

/** The finished run of a setting at the rate that was best on the first seed. */
function bestOf(name, rates) {
  const rows = readResults().filter(
    (row) => row.name === name && row.seed === plan.seeds[0] && rates.includes(row.lr),
  );
  const finite = rows.filter((row) => Number.isFinite(resultOf(row)));
  return finite.reduce((best, row) => (best === undefined || isBetter(row, best) ? row : best), undefined);
}

async function runUnlessDone(name, set, lr, seed) {
  if (readResults().some((row) => row.name === name && row.lr === lr && row.seed === seed)) return;
  const row = await runOne(name, set, lr, seed);
  appendFileSync(resultsPath, `${JSON.stringify(row)}\n`);
  process.stderr.write(`${name} lr ${lr} seed ${seed}: ${row.failed ?? resultOf(row).toFixed(4)}\n`);
}

const settings = Object.entries(plan.settings);
const [firstSeed, ...otherSeeds] = plan.seeds;
for (const [name, { lr: rates, set = [] }] of settings) {
  for (const lr of rates) await runUnlessDone(name, set, lr, firstSeed);
}
for (const seed of otherSeeds) {
  for (const [name, { lr: rates, set = [] }] of settings) {
    const best = bestOf(name, rates);
    if (best) await runUnlessDone(name, set, best.lr, seed);
  }
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) =>
  Math.sqrt(
    mean(values.map((value) => (value - mean(values)) ** 2)) *
      (values.length / Math.max(1, values.length - 1)),
  );

console.log(
  "| setting | best lr | score, or held-out loss | trainable | on the first seed, by learning rate |",
);
console.log("|---|---|---|---|---|");
for (const [name, { lr: rates }] of settings) {
  const best = bestOf(name, rates);
  if (best === undefined) continue;
  const rows = readResults().filter((row) => row.name === name && plan.seeds.includes(row.seed));
  const values = rows.filter((row) => row.lr === best.lr).map(resultOf);
  const swept = rates.map((lr) => {
    const row = rows.find((one) => one.lr === lr && one.seed === firstSeed);
    return `${lr}: ${row === undefined ? "not run" : (row.failed ?? resultOf(row).toFixed(3))}`;
  });
  const result = `${mean(values).toFixed(3)} ± ${deviation(values).toFixed(3)} (${values.length} seeds)`;
  console.log(`| ${name} | ${best.lr} | ${result} | ${best.trainable} | ${swept.join(", ")} |`);
}
