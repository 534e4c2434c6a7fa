import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CompareResult } from "../../compare/compare-request.ts";
import { planTables } from "../../compare/plan-table.ts";
import * as compare from "../../compare/run-compare.ts";
import * as plans from "../../compare/run-plan.ts";
import { pairedDifference } from "../../compare/statistics.ts";
import type { CompareRow } from "../../compare/summary.ts";
import { tableRemark } from "../../compare/table.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { capitalRows, writeTinyProject } from "../../testing/tiny-trained-run.ts";
import { runScalora } from "../testing/scalora.ts";
import { runVerb, testContext } from "../testing/terminal.ts";
import { addCompare } from "./compare.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

beforeAll(() => {
  writeTinyProject(scratch.path);
  const recipe = {
    model: { path: at("model") },
    adapter: { method: "lora", rank: 2 },
    data: { train: at("train.jsonl"), eval: { holdOut: 4 } },
    train: { steps: 4, batchSize: 4 },
    run: { folder: at("runs"), samples: 0 },
  };
  writeFileSync(at("recipe.yaml"), JSON.stringify(recipe));
});

/** What `scalora train` prints after its panel, with `…` for the folder and `#` for measured numbers. */
async function trainingScreen(...set: string[]) {
  const overrides = set.flatMap((override) => ["--set", override]);
  const { code, stdout, stderr } = await runScalora("train", at("recipe.yaml"), ...overrides);
  expect(stdout).toBe("");
  const screen = stderr
    .slice(stderr.indexOf("╯") + 1)
    .replaceAll(scratch.path, "…")
    .replaceAll(/(?<=loss |perplexity )\d+\.\d+|[\d,.]+(?= tok\/s| MiB)|(?<=ETA ).*/g, "#");
  return { code, screen };
}

test("the screen of a run whose data has a broken line", async () => {
  writeFileSync(at("broken.jsonl"), `${capitalRows(2)}{"prompt": "x=", "completion": 3}\n`);
  const { code, screen } = await trainingScreen(`data.train=${at("broken.jsonl")}`);
  expect(code).toBe(2);
  expect(screen).toMatchInlineSnapshot(`
    "error: The column "completion" is not text
      where:    …/broken.jsonl:3
      expected: a string
      found:    a number
    "
  `);
});

test("the screen of a run that diverges", async () => {
  const { code, screen } = await trainingScreen("train.lr=1e30", "train.evalEvery=1");
  expect(code).toBe(1);
  expect(screen).toMatchInlineSnapshot(`
    "
    step 0  held-out loss #  perplexity #
    step 1/4  loss #  lr 5.00e+29  # tok/s  # MiB  ETA #
    error: The held-out loss is not finite
      where:    …/train.jsonl:17, …/train.jsonl:22, …/train.jsonl:43, …/train.jsonl:48
      found:    NaN, first in the input of model.layers.0.self_attn.o_proj
      fix:      check these rows; if the model is trained, lower the learning rate or use an earlier checkpoint
    "
  `);
});

const seedSets = { seeds: [0, 1, 2], tuningSeeds: [1000] };
const lora: CompareRow = {
  setting: "lora",
  lr: 0.02,
  options: {},
  figure: "loss",
  mean: 1.2345,
  deviation: 0.0123,
  seeds: 3,
  results: [],
  difference: null,
  trainable: 1_843_200,
  secondsPerStep: 0.4567,
  memory: 1.5 * 2 ** 30,
  rank: 8,
  edges: [{ key: "lr", value: 0.02, next: 0.06 }],
  sweep: [{ lr: 0.02, options: {}, value: 1.2 }],
};
const full: CompareRow = {
  ...lora,
  setting: "full",
  lr: 1e-4,
  mean: 1.3,
  deviation: null,
  seeds: 1,
  memory: null,
  rank: null,
  edges: [],
  sweep: [],
  difference: pairedDifference([0.02, 0.05, 0.19]) ?? null,
};
const comparison: CompareResult = {
  rows: [lora, full],
  failed: [{ folder: "runs/c/runs/full-lr1-seed0", message: "The loss of step 3 is not finite (NaN)" }],
  missing: [],
  differences: [],
  ...seedSets,
  remark: tableRemark([lora, full], seedSets),
  report: "runs/c/report.html",
  results: "runs/c/results.jsonl",
};

test("the screen of a comparison, with a rate at the edge of its sweep and a failed run", async () => {
  const { context, stdout, stderr } = testContext();
  const runCompare = async () => comparison;
  const load = async () => ({
    compare: { ...compare, runCompare },
    plans: { ...plans, isPlanFile: () => false },
  });
  await runVerb(
    (program) => addCompare(program, context, load),
    ["compare", at("recipe.yaml"), "--methods", "lora,full", "--lrs", "0.02"],
  );
  expect(stderr.text).toBe("");
  expect(stdout.text).toMatchInlineSnapshot(`
    "setting      lr           result  seeds                    difference  needed  trainable    step    memory  rank
    lora     0.02 *  1.2345 ± 0.0123      3                             –       –  1,843,200  457 ms  1.50 GiB   8.0
    full     0.0001           1.3000      1  +0.0867 [-0.1387, +0.3121] ~      11  1,843,200  457 ms         –     –

    Result: the lowest held-out loss, mean ± standard deviation over seeds 0, 1, 2.
    The rate was chosen on seed 1000, which does not count in the result.
    Difference: to lora, on the same seeds, with its 95 % interval (Student's t); ~ is within noise. Needed: seeds that would show it in 80 % of comparisons.
    * lora: lr 0.02 is at the end of its sweep; try 0.06 as well.
    failed: runs/c/runs/full-lr1-seed0: The loss of step 3 is not finite (NaN)
    report  runs/c/report.html
    "
  `);
});

test("the screen of a plan, with what its seeds do not tell apart", async () => {
  writeFileSync(
    at("plan.yaml"),
    JSON.stringify({
      recipes: ["recipe.yaml"],
      settings: { lora: { method: "lora", lr: [0.01, 0.02] }, full: { method: "full" } },
    }),
  );
  const { context, stdout } = testContext();
  const parts = [{ recipe: "recipe", rows: comparison.rows, results: [] }];
  const runPlan = async () => ({
    tables: planTables("plan", ["lora", "full"], parts, undefined),
    comparisons: [{ recipe: "recipe", ...comparison }],
    report: "runs/p/report.html",
  });
  const load = async () => ({ compare, plans: { ...plans, runPlan } });
  await runVerb((program) => addCompare(program, context, load), ["compare", at("plan.yaml")]);
  expect(stdout.text).toMatchInlineSnapshot(`
    "plan
    setting  chosen           recipe    mean
    lora     0.02 *  1.2345 ± 0.0123  1.2345
    full     0.0001         1.3000 ~  1.3000

    Scores in percent, losses in nats: mean ± standard deviation over the seeds, at the rate (and swept options) that each setting has chosen.

    plan: differences to lora
    setting  on                        difference     over  seeds needed
    full     recipe  +0.0867 [-0.1387, +0.3121] ~  3 seeds            11

    Difference to the first row with its 95 % interval (Student's t), each by itself: of twenty that are nothing, one is expected to look like something.
    Over seeds: runs of the same seed; ~ is within noise (the interval holds 0, or there is one pair). Seeds needed: that many would show it in 80 % of comparisons.

    The rate was chosen on seed 1000, which does not count in the result.
    recipe: * lora: lr 0.02 is at the end of its sweep; try 0.06 as well.
    failed: runs/c/runs/full-lr1-seed0: The loss of step 3 is not finite (NaN)
    report  runs/p/report.html
    "
  `);
});
