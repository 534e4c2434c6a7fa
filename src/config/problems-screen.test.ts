import { afterAll, expect, test } from "vitest";
import { recipeFolder } from "./testing/recipe-folder.ts";

const { path: folder, problems, remove } = recipeFolder();
afterAll(remove);

test("all problems come at once, each with file, line, key, expected and found", () => {
  const yaml = [
    "model:",
    "  path: nowhere",
    "  dtipe: float32",
    "adapter:",
    "  method: scalora",
    "  rank: many",
    "  dropout: 0.1",
    "train:",
    "  steps: 10",
    "  epochs: 1",
    "  momentum: 0.9",
    "extra: 1",
  ].join("\n");
  const error = problems(yaml);
  const places = error.issues.map((issue) => `${issue.where.replace(/.*recipe\.yaml/, "")} ${issue.key}`);
  expect(places.sort()).toEqual(
    [
      " data.train",
      ":10 train.epochs",
      ":11 train.momentum",
      ":12 extra",
      ":3 model.dtipe",
      ":6 adapter.rank",
      ":7 adapter.dropout",
    ].sort(),
  );
  // The words of the whole screen are tested here alone.
  expect(error.message.replaceAll(folder, "…")).toMatchInlineSnapshot(`
    "…/recipe.yaml has 7 problems
      1. extra: unknown key
         where:    …/recipe.yaml:12
         expected: plugins, model, adapter, data, train or run
         found:    extra
      2. model.dtipe: unknown key
         where:    …/recipe.yaml:3
         expected: path, dtype, device, quantization, gemmBackend, labels or headDropout
         found:    dtipe
         fix:      did you mean dtype?
      3. adapter.rank: wrong value
         where:    …/recipe.yaml:6
         expected: an integer, at least 1
         found:    "many" (text)
      4. adapter.dropout: refused: adapter dropout is not available: a mask between x and B would break the invariance of a ScaLoRA event, and every method is compared on equal terms
         where:    …/recipe.yaml:7
         expected: 0
         found:    0.1
      5. data.train: is missing
         where:    …/recipe.yaml
         expected: a path, {path, weight}, or a list of these
      6. train.epochs: excludes train.steps
         where:    …/recipe.yaml:10
         expected: only one of steps and epochs
         found:    both
      7. train.momentum: has no effect with optimizer adamw
         where:    …/recipe.yaml:11
         found:    0.9
         fix:      remove it"
  `);
});
