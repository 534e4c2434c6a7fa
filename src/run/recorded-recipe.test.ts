import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { parseRecordedRecipe, readRecordedRecipe } from "./recorded-recipe.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

/** Ten lists, each with the one before ten times. */
const multiplied = `a0: &a0 [1]\n${Array.from({ length: 10 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`).join("\n")}`;

test.each([
  ["no YAML", ": : :"],
  ["an alias within itself", "&a {b: *a}"],
  ["aliases that multiply", multiplied],
  ["deep nesting", "[".repeat(2000)],
])("a recipe that is damaged is an error with a fix: %s", (_, text) => {
  const path = join(scratch.path, "config.yaml");
  writeFileSync(path, text);
  const error = refusal("format", { where: path, fix: "restore" });
  expect(() => readRecordedRecipe(path)).toThrow(error);
  expect(() => parseRecordedRecipe(text, path)).toThrow(error);
});

test("the values are those of the file", () => {
  const path = join(scratch.path, "config.yaml");
  writeFileSync(path, "train: {lr: 0.0001, steps: 4}\n");
  expect(readRecordedRecipe(path)).toEqual({ train: { lr: 0.0001, steps: 4 } });
  expect(() => readRecordedRecipe(scratch.path)).toThrow(refusal("format", { where: scratch.path }));
});
