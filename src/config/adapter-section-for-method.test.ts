import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { adapterSectionForMethod } from "./index.ts";
import { minimal, recipeFolder } from "./testing/recipe-folder.ts";

const { path: folder, remove } = recipeFolder();
afterAll(remove);
const recipe = join(folder, "recipe.yaml");
writeFileSync(recipe, minimal);

/** For `toThrow`: a ConfigError with one issue that has these fields. */
const issue = (fields: object) =>
  expect.objectContaining({ code: "config", issues: [expect.objectContaining(fields)] });

test("a recipe's section for another method keeps the keys that it has", () => {
  const set = ["adapter.rank=3", "adapter.interval=5", "adapter.alpha=6"];
  expect(adapterSectionForMethod(recipe, "lora", set)).toEqual({ method: "lora", rank: 3, alpha: 6 });
  expect(adapterSectionForMethod(recipe, "scalora", set)).toEqual({
    method: "scalora",
    rank: 3,
    alpha: 6,
    interval: 5,
  });
  expect(adapterSectionForMethod(recipe, "full", set)).toEqual({ method: "full" });
});

test("a key that no method has is refused", () => {
  expect(() => adapterSectionForMethod(recipe, "lora", ["adapter.alpah=6"])).toThrow(
    issue({ key: "adapter.alpah", found: "alpah", fix: "did you mean alpha?" }),
  );
});

test("a method that cannot go on from an adapter is refused where the recipe has one", () => {
  expect(adapterSectionForMethod(recipe, "relora", ["adapter.from=mine"])).toMatchObject({ from: "mine" });
  expect(() => adapterSectionForMethod(recipe, "mora", ["adapter.from=mine"])).toThrow(
    issue({ key: "adapter.from", fix: "leave mora out, or adapter.from" }),
  );
});
