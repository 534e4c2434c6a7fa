import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseRecipe, type Recipe } from "../config/index.ts";
import { glueTasks } from "../data/index.ts";
import { glueMetrics } from "./glue-task.ts";
import { resolveModelConfig } from "./model-config.ts";

const folder = fileURLToPath(new URL("../../recipes/paper/glue/", import.meta.url));
/** The recipes of GLUE, with a model folder that is there. */
const recipes = new Map<string, Recipe>(
  readdirSync(folder).map((name) => {
    const value = parse(readFileSync(folder + name, "utf8"));
    const model = { ...value.model, path: folder };
    return [name, parseRecipe({ ...value, model }, { name, needsData: false })];
  }),
);

test.each([...glueTasks.values()])("$name has a recipe: its files, labels and metrics", (task) => {
  const recipe = recipes.get(`${task.name}.yaml`) ?? expect.fail("no recipe");
  expect(recipe.data.format).toBe(task.name);
  const { train, eval: held } = recipe.data;
  const names = [train, Array.isArray(held) ? held : []].map(([source]) =>
    source?.path.split("/").slice(-2).join("/"),
  );
  expect(names).toEqual([`${task.folder}/train.tsv`, `${task.folder}/${task.splits.dev[0]}.tsv`]);
  expect(resolveModelConfig(recipe).labels).toEqual(task.labels ?? 1);
  expect(recipe.train).toMatchObject({ epochs: 5, batchSize: 32, warmup: 100, schedule: "linear" });
  const { metrics, scoredBy } = glueMetrics(recipe.data);
  const named: Record<string, string[]> = {
    cola: ["matthews"],
    stsb: ["pearson", "spearman"],
    mrpc: ["f1", "accuracy"],
    qqp: ["f1", "accuracy"],
  };
  expect(Object.keys(metrics?.([0, 1], [0, 1]) ?? {})).toEqual(named[task.name] ?? ["accuracy"]);
  const paper: Record<string, string[]> = { cola: ["matthews"], stsb: ["pearson", "spearman"] };
  expect(scoredBy).toEqual(paper[task.name] ?? ["accuracy"]);
});

test("a recipe's own labels stand, and files of several tasks, or of none, have no metrics", () => {
  const { data, model, ...rest } = recipes.get("rte.yaml") ?? expect.fail("no recipe");
  expect(resolveModelConfig({ ...rest, data, model: { ...model, labels: 3 } }).labels).toBe(3);
  const mixed = { ...data, train: [...data.train, { path: "x.tsv", format: "qnli" as const }] };
  expect(glueMetrics(mixed)).toEqual({});
  expect(resolveModelConfig({ ...rest, data: mixed, model }).labels).toBeUndefined();
  expect(glueMetrics({ ...data, format: "classification" })).toEqual({});
});
