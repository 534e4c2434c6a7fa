import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { FolderClaim } from "./claim-folder.ts";
import type { FineTuneOptions } from "./options.ts";
import { writtenRecipe } from "./written-recipe.ts";

const rows = [{ prompt: "a", completion: "b" }];
const written = (options: Partial<FineTuneOptions>) =>
  writtenRecipe({ model: "some-model", data: "train.jsonl", ...options });

test("options are the sections of a recipe, in short or whole", () => {
  expect(written({ run: { name: "mine" } })).toEqual({
    recipe: {
      model: { path: "some-model" },
      adapter: { method: "lora" },
      data: { train: "train.jsonl" },
      run: { folder: resolve("runs"), name: "mine" },
    },
    rows: {},
    folder: resolve("runs/mine"),
  });
  const { recipe, folder } = written({
    model: { path: "models/m.gguf", dtype: "bfloat16" },
    method: { method: "scalora-i", rank: 4 },
    train: { steps: 3 },
    plugins: ["p.mjs"],
    run: { folder: "elsewhere", samples: 0 },
  });
  expect(recipe).toMatchObject({
    model: { path: "models/m.gguf", dtype: "bfloat16" },
    adapter: { method: "scalora-i", rank: 4 },
    train: { steps: 3 },
    plugins: ["p.mjs"],
    run: { folder: resolve("elsewhere"), name: "m-scalora-i", samples: 0 },
  });
  expect(folder).toBe(resolve("elsewhere/m-scalora-i"));
});

test("rows and files are told apart, in data and within it", () => {
  const dataOf = (data: FineTuneOptions["data"]) => {
    const { recipe, rows } = written({ data });
    return [recipe["data"], rows];
  };
  expect(dataOf(rows)).toEqual([{}, { train: rows }]);
  expect(dataOf(["a.jsonl", "b.jsonl"])).toEqual([{ train: ["a.jsonl", "b.jsonl"] }, {}]);
  expect(dataOf({ train: rows, eval: rows })).toEqual([{}, { train: rows, eval: rows }]);
  expect(dataOf({ train: rows, eval: "none", maxLength: 8 })).toEqual([
    { eval: "none", maxLength: 8 },
    { train: rows },
  ]);
  const files = ["a.jsonl", { path: "b.jsonl", weight: 2 }];
  expect(dataOf({ train: files, eval: rows })).toEqual([{ train: files }, { eval: rows }]);
  // A row may have a column of that name too.
  const withPath = [{ path: "a", text: "b" }];
  expect(dataOf(withPath)).toEqual([{}, { train: withPath }]);
});

test("what a program without types leaves out is left to the check of the recipe", () => {
  const { recipe, rows } = Reflect.apply(writtenRecipe, undefined, [{ modle: "m" }]);
  expect({ recipe, rows }).toMatchObject({
    recipe: { modle: "m", data: {}, adapter: { method: "lora" } },
    rows: {},
  });
  expect(recipe.model).toBe(undefined);
  const wrong = Reflect.apply(writtenRecipe, undefined, [
    { model: "m", data: "d", run: { folder: 5, name: {} } },
  ]);
  expect(wrong.recipe.run).toEqual({ folder: 5, name: {} });
  expect(wrong.folder).toBe(resolve("runs/m-lora"));
  expect(written({ run: { folder: "~/runs", name: "mine" } }).folder).toBe(join(homedir(), "runs", "mine"));
});

test("a run without a name gets one that no other has, though its folder is not there yet", () => {
  const run = { folder: join("somewhere", "else") };
  const names = [1, 2, 3].map(() => {
    const { recipe, folder } = written({ run });
    new FolderClaim(folder);
    return recipe["run"];
  });
  expect(names).toMatchObject(["", "-2", "-3"].map((end) => ({ name: `some-model-lora${end}` })));
});

test("misspelt options and methods do not compile", () => {
  const misspelt: FineTuneOptions<"lora"> = {
    model: "m",
    data: rows,
    // @ts-expect-error: LoRA has a rank, but no rnk
    method: { method: "lora", rnk: 4 },
  };
  // @ts-expect-error: steps
  const train: FineTuneOptions["train"] = { step: 3 };
  expect([misspelt.model, train]).toEqual(["m", { step: 3 }]);
});
