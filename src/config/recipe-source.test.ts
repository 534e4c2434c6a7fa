import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadRecipe, recipeToYaml } from "./index.ts";
import { minimal, recipeFolder } from "./testing/recipe-folder.ts";

const { path: folder, load, remove } = recipeFolder();
afterAll(remove);

test("overrides replace values, reach into lists and use YAML", () => {
  const recipe = load(`${minimal}  eval: [held-out.jsonl]\n`, [
    "train.lr=2e-3",
    "train.steps=30",
    "adapter.scale={columnNorm: 0.5}",
    "adapter.targetModules=[q_proj, '/layers\\.[01]\\..*/']",
    "data.eval.0=chats.jsonl",
  ]);
  expect(recipe.train).toMatchObject({ lr: 2e-3, steps: 30 });
  expect(recipe.train.epochs).toBeUndefined();
  expect(recipe.adapter).toMatchObject({
    scale: { columnNorm: 0.5 },
    targetModules: ["q_proj", "/layers\\.[01]\\..*/"],
  });
  expect(recipe.data.eval).toEqual([{ path: join(folder, "chats.jsonl") }]);
});

test("where no recipe is, the one that may be meant is named, or how to write one", () => {
  load(minimal);
  for (const [name, fix] of [
    ["recpie.yml", join(folder, "recipe.yaml")],
    ["chats.yaml", "scalora init"], // chats.jsonl is no recipe
  ] as const)
    expect(() => loadRecipe(join(folder, name))).toThrow(
      expect.objectContaining({ issues: [expect.objectContaining({ fix: expect.stringContaining(fix) })] }),
    );
});

test("a file of rows in a recipe's place is said to be one", () => {
  load(minimal);
  const rows = join(folder, "chats.jsonl");
  expect(() => loadRecipe(rows)).toThrow(
    expect.objectContaining({
      issues: [
        expect.objectContaining({
          problem: "is a file of rows, no recipe",
          fix: expect.stringContaining("init --data"),
        }),
      ],
    }),
  );
});

test("an override takes the place of the key that it excludes in the file", () => {
  const withEpochs = `${minimal}train: { epochs: 2, batchSize: 4 }\n`;
  const { train } = load(withEpochs, ["train.steps=30", "train.batchTokens=100"]);
  expect(train).toMatchObject({ steps: 30, batchTokens: 100 });
  expect([train.epochs, train.batchSize]).toEqual([undefined, undefined]);
  expect(load(recipeToYaml(load(withEpochs)), ["train.steps=30"]).train.epochs).toBeUndefined();
  expect(() => load(withEpochs, ["train.steps=30", "train.epochs=1"])).toThrow(
    expect.objectContaining({
      issues: [
        expect.objectContaining({ key: "train.epochs", problem: expect.stringContaining("train.steps") }),
      ],
    }),
  );
  expect(() => load(minimal, ["train={epochs: 1}", "train.steps=30"])).toThrow(
    expect.objectContaining({ issues: [expect.objectContaining({ key: "train.epochs" })] }),
  );
});
