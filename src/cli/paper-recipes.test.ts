import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { isPlanFile } from "../compare/read-plan.ts";
import { expectSoundPlan } from "../compare/testing/sound-plan.ts";
import { loadRecipe } from "../config/index.ts";
import { tinyModelFolder } from "../quickstart/translation/demo.ts";
import { makeTranslationSplits } from "../quickstart/translation/translation-examples.ts";
import { runChild } from "../testing/child-process.ts";
import { writeTinyBert } from "../testing/tiny-bert.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

const recipes = fileURLToPath(new URL("../../recipes", import.meta.url));
const files = readdirSync(recipes, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml"))
  .sort();
const plans = files.filter((name) => isPlanFile(join(recipes, name)));

beforeAll(() => {
  writeTinyBert(at("bert"));
  writeTinyLlama(at("llama"), { config: { max_position_embeddings: 1024 } });
  const acceptable = (i: number) => `gj04\t${i % 2}\t\tthe film was ${i % 2 === 1 ? "good" : "bad"} .`;
  const boolq = (i: number) => ({
    instruction: `Please answer the following question with true or false, question: is ${i} even?\n\nAnswer format: true/false`,
    input: "",
    output: `the correct answer is ${i % 2 === 0}`,
    answer: String(i % 2 === 0),
  });
  const rows = Array.from({ length: 16 }, (_, i) => i);
  writeFileSync(at("cola.tsv"), `${rows.map(acceptable).join("\n")}\n`);
  writeFileSync(at("commonsense.json"), JSON.stringify(rows.map(boolq)));
  mkdirSync(at("tasks", "boolq"), { recursive: true });
  writeFileSync(at("tasks", "boolq", "test.json"), JSON.stringify(rows.slice(0, 2).map(boolq)));
});

test.each(files.filter((name) => !plans.includes(name)))("the recipe %s is sound", (name) => {
  const recipe = loadRecipe(join(recipes, name), { set: [`model.path=${at("llama")}`], needsData: false });
  const isPaper = name.startsWith("paper");
  expect(recipe.adapter["policy"] === "paper").toBe(isPaper);
  if (isPaper) expect(recipe.adapter["scale"]).toHaveProperty("lipschitz");
});

test.each(plans)("the first run of each setting of the plan %s is sound", (name) => {
  expectSoundPlan(join(recipes, name), at("llama"));
});

/** A plan of the package with one recipe, some of its settings and two values of each sweep. */
function smallPlan(name: string, recipe: string, settings: readonly string[]): string {
  const plan = parse(readFileSync(join(recipes, name), "utf8"));
  const chosen = settings.map((setting) => {
    const { lr, adapter, ...rest } = plan.settings[setting];
    const scale = adapter?.scale && { scale: { lipschitz: adapter.scale.lipschitz.slice(0, 2) } };
    return [setting, { ...rest, adapter: { ...adapter, ...scale }, lr: [lr].flat()[0] ?? 0.01 }];
  });
  const file = at(name.replaceAll("/", "-"));
  const tasks = plan.tasks && { tasks: { ...plan.tasks, names: ["boolq"], data: at("tasks"), limit: 2 } };
  const small = { ...plan, ...tasks, recipes: [join(recipes, recipe)], seeds: [0] };
  writeFileSync(file, stringify({ ...small, settings: Object.fromEntries(chosen) }));
  return file;
}

/** The logs of the models that were scored, below a folder. */
const predictionLogs = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith("tasks.jsonl"))
    .map((name) => readFileSync(join(folder, name), "utf8"));

const compare = (plan: string, ...set: string[]) =>
  runChild(
    new URL("testing/run-main.ts", import.meta.url),
    ...["compare", plan, "--out", at(`out-${set.length}`), "--jobs", "2", "--json"],
    ...set.flatMap((override) => ["--set", override]),
  );

test("the plan of GLUE in miniature: one table of policy paper with L swept, and LoRA", async () => {
  const plan = smallPlan("paper/glue.yaml", "paper/glue/cola.yaml", ["LoRA", "ScaLoRA-I"]);
  const { code, stdout, stderr } = await compare(
    plan,
    ...[`model.path=${at("bert")}`, `data.train=${at("cola.tsv")}`, `data.eval=${at("cola.tsv")}`],
    ...[
      "adapter.targetModules=[query, value]",
      "adapter.rank=2",
      "data.maxLength=32",
      "train.warmup=0",
      "train.steps=3",
    ],
  );
  expect(code, stderr).toBe(0);
  const { tables, comparisons } = JSON.parse(stdout);
  expect(tables).toMatchObject([
    { columns: ["cola"], rows: [{ setting: "LoRA" }, { setting: "ScaLoRA-I" }] },
  ]);
  for (const { values, mean, figure } of tables[0].rows) {
    expect(figure).toBe("score");
    expect(values).toEqual([mean]);
  }
  expect(comparisons[0].rows[1]).toMatchObject({ options: { "scale.lipschitz": expect.any(Number) } });
  expect(stderr).toContain("cola  4 of 4");
});

test("the miniature of the tiny model: the paper's algorithm beside full fine-tuning, on the quickstart's data", async () => {
  const settings = ["full fine-tuning", "ScaLoRA"];
  const plan = smallPlan("paper/miniature.yaml", "paper/miniature/translation.yaml", settings);
  const { train, validation } = makeTranslationSplits(0);
  const file = (name: string, rows: readonly object[]) => {
    writeFileSync(at(name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return at(name);
  };
  const { code, stdout, stderr } = await compare(
    plan,
    ...[`model.path=${tinyModelFolder}`, `data.train=${file("train.jsonl", train.slice(0, 64))}`],
    ...[`data.eval=${file("validation.jsonl", validation.slice(0, 16))}`, "train.steps=3", "train.warmup=0"],
  );
  expect(code, stderr).toBe(0);
  const { tables, comparisons } = JSON.parse(stdout);
  expect(tables).toMatchObject([
    { columns: ["translation"], rows: settings.map((setting) => ({ setting, figure: "loss" })) },
  ]);
  const { rows } = comparisons[0];
  for (const { setting, sweep } of rows) expect(sweep).toHaveLength(setting === "ScaLoRA" ? 2 : 0);
});

test("the plan of commonsense in miniature: models are scored on the tasks, once", async () => {
  const plan = smallPlan("paper/commonsense.yaml", "paper/commonsense/llama2-7b.yaml", ["ScaLoRA"]);
  const run = () =>
    compare(
      plan,
      ...[`model.path=${at("llama")}`, `data.train=${at("commonsense.json")}`, "data.eval.holdOut=4"],
      ...["data.maxLength=1024", "adapter.rank=2", "train.warmup=0", "train.batchSize=2", "train.steps=3"],
    );
  const { code, stdout, stderr } = await run();
  expect(code, stderr).toBe(0);
  const { tables, comparisons } = JSON.parse(stdout);
  expect(tables).toMatchObject([{ title: "llama2-7b", columns: ["boolq"], rows: [{ setting: "ScaLoRA" }] }]);
  const log = predictionLogs(dirname(comparisons[0].results)).map((text) =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );
  const [examples = [], ...others] = log;
  expect(others).toEqual([]);
  expect(examples.map(({ task }) => task)).toEqual(["boolq", "boolq"]);
  const right = examples.filter(({ scores }) => Object.values(scores)[0] === 1).length;
  expect(tables[0].rows[0].values).toEqual([right / 2]);
  const again = await run();
  expect(JSON.parse(again.stdout).tables).toEqual(tables);
});
