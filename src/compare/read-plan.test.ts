import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { required } from "../util/elements.ts";
import { candidateName } from "./candidates.ts";
import { planReport, planViews } from "./plan-report.ts";
import { type PlanPart, type PlanTable, planTables } from "./plan-table.ts";
import { isPlanFile, type PlanFile, readPlan, settingFor } from "./read-plan.ts";
import { pairedDifference } from "./statistics.ts";
import type { CompareRow } from "./summary.ts";
import { splitSweep } from "./sweep-options.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const at = (...parts: string[]) => join(scratch.path, ...parts);

mkdirSync(at("model"));
writeFileSync(
  at("recipe.yaml"),
  stringify({
    model: { path: at("model") },
    adapter: { method: "scalora", policy: "paper", scale: { lipschitz: 3000 } },
    data: { train: at("train.jsonl") },
    train: { steps: 4, lr: 0.003 },
  }),
);

function planFile(plan: object): string {
  writeFileSync(at("plan.yaml"), stringify(plan));
  return at("plan.yaml");
}

const settings = {
  LoRA: { method: "lora" },
  ScaLoRA: { method: "scalora", adapter: { scale: { lipschitz: [1000, 300] } }, lr: [0.01, 0.001] },
};

/** The settings of a plan for the recipe. */
const settingsOf = ({ plan }: PlanFile, set: readonly string[] = []) =>
  Object.entries(plan.settings).map(([name, { method, adapter, lr }]) =>
    settingFor({ name, method, lr, ...splitSweep(adapter, name) }, at("recipe.yaml"), set),
  );

test("a plan's recipes are found from its folder; settings take the recipe's rate, or their own with each swept value", () => {
  const file = readPlan(planFile({ recipes: ["recipe.yaml"], settings }));
  expect(file.issues).toEqual([]);
  expect(file.plan).toMatchObject({ recipes: [at("recipe.yaml")], seeds: [0, 1, 2], set: [] });
  const [lora, scalora] = settingsOf(file);
  expect(lora?.candidates).toEqual([{ lr: 0.003, options: {} }]);
  expect(scalora).toMatchObject({ name: "ScaLoRA", method: "scalora", adapterOverrides: {} });
  expect(scalora?.candidates.map(candidateName)).toEqual([
    "lr0.001+scale.lipschitz=300",
    "lr0.001+scale.lipschitz=1000",
    "lr0.01+scale.lipschitz=300",
    "lr0.01+scale.lipschitz=1000",
  ]);
  expect(settingsOf(file, ["train.lr=0.5"])[0]?.candidates[0]?.lr).toBe(0.5);
  expect(isPlanFile(at("plan.yaml"))).toBe(true);
  expect(isPlanFile(at("recipe.yaml"))).toBe(false);
});

test.each([
  [{ recipes: [], settings }, "recipes"],
  [{ recipes: ["a/x.yaml", "y.yaml", "b/x.yaml"], settings }, "recipes[2]"],
  [{ recipes: ["a.yaml"] }, "settings"],
  [{ recipes: ["a.yaml"], settings: {} }, "settings"],
  [{ recipes: ["a.yaml"], settings: { LoRA: { methods: "lora" } } }, "settings.LoRA.method"],
  [{ recipes: ["a.yaml"], settings: { LoRA: { method: "lora", lr: [] } } }, "settings.LoRA.lr"],
  [{ recipes: ["a.yaml"], settings: { LoRA: { method: "lora", lr: 0 } } }, "settings.LoRA.lr"],
  [{ recipes: ["a.yaml"], settings: { LoRA: { method: "lora", lr: [0.01, 1e-2] } } }, "settings.LoRA.lr"],
  [{ recipes: ["a.yaml"], settings, seeds: [] }, "seeds"],
  [{ recipes: ["a.yaml"], settings, seeds: [-1] }, "seeds[0]"],
  [{ recipes: ["a.yaml"], settings, seeds: [1, 1] }, "seeds"],
  [{ recipes: ["a.yaml"], settings, tasks: { names: ["boolq"] } }, "tasks.data"],
  [{ recipes: ["a.yaml"], settings, epochs: 3 }, "epochs"],
])("refused: %j at %s", (plan, key) => {
  expect(readPlan(planFile(plan)).issues).toContainEqual(
    expect.objectContaining({ key, where: expect.stringContaining("plan.yaml") }),
  );
});

test("of two recipes of one name both are said, and both are checked", () => {
  const { plan, issues } = readPlan(planFile({ recipes: ["a/x.yaml", "b/x.yml"], settings }));
  expect(issues).toMatchObject([
    { key: "recipes[1]", found: at("b/x.yml"), problem: expect.stringContaining("recipes[0]") },
  ]);
  expect(plan.recipes).toEqual([at("a/x.yaml"), at("b/x.yml")]);
});

const row = (setting: string, mean: number, figure: CompareRow["figure"] = "score"): CompareRow => ({
  setting,
  lr: 0.1,
  options: {},
  figure,
  mean,
  deviation: null,
  seeds: 1,
  results: [],
  difference: null,
  edges: [],
  sweep: [],
  trainable: null,
  secondsPerStep: null,
  memory: null,
  rank: null,
});
const result = (setting: string, seed: number, tasks?: Record<string, number>) => ({
  setting,
  lr: 0.1,
  seed,
  score: null,
  loss: 1,
  trainable: null,
  secondsPerStep: null,
  memory: null,
  rank: null,
  failed: null,
  data: null,
  model: null,
  folder: "",
  ...(tasks && { tasks }),
});

/** The cells of a table, and of its differences. */
const cellsOf = (table: PlanTable) => planViews([table]).map(({ rows }) => rows);

test("a table has a column for each recipe, with their mean where all are there", () => {
  const parts: PlanPart[] = [
    { recipe: "cola", rows: [row("a", 0.5), row("b", 0.4)], results: [] },
    { recipe: "rte", rows: [row("a", 0.7)], results: [] },
  ];
  const [table] = planTables("glue", ["a", "b"], parts, undefined);
  expect(table?.rows.map(({ differences }) => differences)).toEqual([
    [null, null],
    [null, null],
  ]);
  expect(table).toMatchObject({ columns: ["cola", "rte"] });
  expect(table?.rows).toMatchObject([
    { setting: "a", values: [0.5, 0.7], mean: expect.closeTo(0.6, 12) },
    { setting: "b", values: [0.4, null], mean: null },
  ]);
  expect(cellsOf(required(table, "a table"))).toEqual([
    [
      ["a", "50.00", "70.00", "60.00"],
      ["b", "40.00", "–", "–"],
    ],
    [
      ["a", "0.1", "0.1"],
      ["b", "0.1", "–"],
    ],
  ]);
});

test("a table of several recipes is followed by what was chosen on each, one of a recipe has it in a column", () => {
  const swept = { lr: 0.01, options: { "scale.lipschitz": 30 }, deviation: 0.0123 };
  const edges = [{ key: "lr", value: 0.01, next: 0.03 }];
  const cola: PlanPart = { recipe: "cola", rows: [{ ...row("a", 0.5), ...swept, edges }], results: [] };
  const rte: PlanPart = { recipe: "rte", rows: [row("a", 0.7)], results: [] };
  const [both] = planTables("glue", ["a"], [cola, rte], undefined);
  expect(both?.rows).toMatchObject([
    { deviations: [0.0123, null], chosen: [{ lr: 0.01, options: swept.options, edges }, { lr: 0.1 }] },
  ]);
  const [results, chosen] = planViews([required(both, "a table")]);
  expect(results?.rows).toEqual([["a", "50.00 ± 1.23", "70.00", "60.00"]]);
  expect(chosen).toMatchObject({
    title: "glue: chosen",
    rows: [["a", "0.01, scale.lipschitz 30 *", "0.1"]],
  });
  const [one] = planTables("glue", ["a", "b"], [cola], undefined);
  const [view, ...others] = planViews([required(one, "a table")]);
  expect(view?.columns.map(({ title }) => title)).toEqual(["setting", "chosen", "cola", "mean"]);
  expect(view?.rows).toEqual([
    ["a", "0.01, scale.lipschitz 30 *", "50.00 ± 1.23", "50.00"],
    ["b", "–", "–", "–"],
  ]);
  expect(others).toEqual([]);
});

test("with tasks each recipe has a table of the scored runs at the best candidate", () => {
  const other = { ...result("a", 0, { boolq: 0, piqa: 0 }), lr: 0.2 };
  const results = [
    result("a", 0, { boolq: 0.5, piqa: 1 }),
    result("a", 1, { boolq: 0.7, piqa: 0.8 }),
    result("a", 2),
    other,
  ];
  const parts: PlanPart[] = [{ recipe: "llama", rows: [row("a", 1.2, "loss")], results }];
  const [table] = planTables("x", ["a", "b"], parts, ["boolq", "piqa"]);
  expect(table).toMatchObject({ title: "llama", columns: ["boolq", "piqa"] });
  expect(table?.rows[0]?.values).toEqual([expect.closeTo(0.6, 12), expect.closeTo(0.9, 12)]);
  expect(table?.rows[0]?.deviations).toEqual([expect.closeTo(0.1414, 4), expect.closeTo(0.1414, 4)]);
  expect(table?.rows[0]?.chosen).toMatchObject([{ lr: 0.1 }]);
  expect(table?.rows[0]?.mean).toBeCloseTo(0.75, 12);
  expect(table?.rows[1]).toMatchObject({ values: [null, null], mean: null });
});

test("a table marks what is not told apart from its first row, by seeds or by the examples of one seed", () => {
  const difference = (differences: number[]) => pairedDifference(differences) ?? expect.fail();
  const rows = [
    row("a", 0.5),
    { ...row("b", 0.4), difference: difference([-0.1, -0.11, -0.09]) },
    { ...row("c", 0.6), difference: difference([-0.1, 0.3]) },
    { ...row("d", 0.7), difference: difference([0.2, 0.2]) },
  ];
  const names = ["a", "b", "c", "d"];
  const [recipes] = planTables("glue", names, [{ recipe: "cola", rows, results: [] }], undefined);
  const [cells, differences] = cellsOf(required(recipes, "a table"));
  expect(cells?.map(([, , cell]) => cell)).toEqual(["50.00", "40.00", "60.00 ~", "70.00"]);
  expect(differences).toEqual([
    ["b", "cola", "-10.00 % [-12.48 %, -7.52 %]", "3 seeds", "2"],
    ["c", "cola", "+10.00 % [-244.12 %, +264.12 %] ~", "2 seeds", "65"],
    ["d", "cola", "+20.00 % [+20.00 %, +20.00 %] =", "2 seeds", "2"],
  ]);

  const scored = (setting: string, seed: number, scores: number[]) => {
    const folder = at(`${setting}-${seed}`);
    mkdirSync(folder);
    const lines = scores.map((score, index) =>
      JSON.stringify({ task: "boolq", index, scores: { accuracy: score } }),
    );
    writeFileSync(join(folder, "tasks.jsonl"), `${lines.join("\n")}\nbroken`);
    return {
      ...result(setting, seed, { boolq: scores.reduce((sum, each) => sum + each) / scores.length }),
      folder,
    };
  };
  const results = [
    scored("a", 0, [0, 0, 0, 0, 1, 1]),
    scored("b", 0, [1, 1, 1, 1, 1, 1]),
    scored("c", 0, [1, 0, 0, 0, 1, 1]),
  ];
  const tableOf = (all: typeof results) =>
    required(
      planTables("x", ["a", "b", "c"], [{ recipe: "llama", rows, results: all }], ["boolq"])[0],
      "a table",
    );
  const one = tableOf(results);
  expect(one.rows[1]?.differences).toMatchObject([
    { over: "examples", pairs: 6, mean: expect.closeTo(4 / 6, 12) },
  ]);
  expect(cellsOf(one)[0]?.map(([, , cell]) => cell)).toEqual(["33.33", "100.00", "50.00 ≈"]);
  expect(cellsOf(one)[1]).toEqual([
    ["b", "boolq", expect.stringMatching(/^\+66\.67 %.*\]$/), "6 examples", "–"],
    ["c", "boolq", expect.stringMatching(/^\+16\.67 %.*\] ≈$/), "6 examples", "–"],
  ]);
  expect(planViews([one])[1]?.note).toContain("two trained models, not on methods");
  const two = tableOf([...results, scored("a", 1, [0, 0]), scored("b", 1, [1, 0])]);
  expect(two.rows[1]?.differences).toMatchObject([
    { over: "seeds", pairs: 2, mean: expect.closeTo(3.5 / 6, 12) },
  ]);
});

test("a plan's page has its differences, what was chosen and on which seeds, the edges, and failed runs", () => {
  const rows = [
    { ...row("a", 0.5), sweep: [{ lr: 0.1, options: {}, value: 1 }] },
    { ...row("b", 0.4), edges: [{ key: "lr", value: 0.1, next: 0.3 }] },
    { ...row("c", 0.4), difference: pairedDifference([-0.1, -0.2]) ?? null },
  ];
  const comparison = {
    recipe: "cola",
    rows,
    missing: ["d"],
    differences: [],
    seeds: [0, 1],
    tuningSeeds: [1000],
    failed: [{ folder: "runs/x", message: "killed" }],
    remark: "",
    report: "",
    results: "",
  };
  const tables = planTables("glue", ["a", "b", "c"], [{ recipe: "cola", rows, results: [] }], undefined);
  const page = planReport("glue", tables, [comparison]);
  expect(page.facts).toEqual([
    { label: "Seeds", value: "0, 1" },
    { label: "Tuning seeds", value: "1000" },
    { label: "Failed runs", value: "1" },
  ]);
  expect(page.tables.map(({ title }) => title)).toEqual(["glue", "glue: differences to a"]);
  for (const text of [
    "chosen on seed 1000",
    "cola: d has no result",
    "cola: * b: lr 0.1",
    "failed: runs/x: killed",
  ])
    expect(page.tables[0]?.note).toContain(text);
});
