import { afterAll, expect, test } from "vitest";
import { minimal, recipeFolder } from "./testing/recipe-folder.ts";

const { load, problems, remove } = recipeFolder();
afterAll(remove);

test("a warm-up that takes the whole run is refused before anything is loaded; a share of it never does", () => {
  expect(problems(minimal, ["train.steps=5", "train.warmup=5"]).issues).toEqual([
    expect.objectContaining({
      key: "train.warmup",
      problem: "takes the whole run",
      expected: expect.stringContaining("which is 5"),
      found: "5",
    }),
  ]);
  for (const warmup of [0, 0.9, 4])
    expect(load(minimal, ["train.steps=5", `train.warmup=${warmup}`]).train.warmup).toBe(warmup);
  expect(load(minimal, ["train.steps=1", "train.warmup=0.5"]).train.steps).toBe(1);
});
