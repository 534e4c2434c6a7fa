import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { nearestPath } from "./nearest-path.ts";

const scratch = temporaryFolder();
const cwd = scratch.path;
afterAll(scratch.remove);
beforeAll(() => {
  mkdirSync(join(cwd, "sub"));
  for (const name of ["biome.json", "tiny.yaml", "sub/train.jsonl"]) writeFileSync(join(cwd, name), "");
});

const recipes = [".yaml", ".yml", ".json"];

test.each([
  ["tinny.yaml", recipes, "tiny.yaml"],
  ["tiny.yml", recipes, "tiny.yaml"],
  ["recipe.json", recipes, undefined],
  ["recipe.yaml", recipes, undefined],
  ["sub/trian.jsonl", [".jsonl"], "sub/train.jsonl"],
  ["sub/trian.jsonl", recipes, undefined],
  ["sib", undefined, "sub"],
  ["nowhere/tiny.yaml", recipes, undefined],
])("what is near to %s of %j", (path, endings, near) => {
  expect(nearestPath(path, { cwd, ...(endings && { endings }) })).toBe(near);
});
