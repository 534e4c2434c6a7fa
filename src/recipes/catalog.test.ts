import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageRoot } from "../setup/paths.ts";
import { listModels, listRecipes } from "./catalog.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scalora-catalog-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("families are listed by model type", () => {
  expect(listModels()).toContain("llama");
});

test("each recipe of this package is described by a whole sentence", () => {
  const recipes = listRecipes([join(packageRoot, "recipes")]);
  expect(recipes.length).toBeGreaterThan(10);
  for (const { path, description } of recipes)
    expect(`${path}: ${description}`).toMatch(/: [A-Z0-9][^.]*(\.(?! [A-Z])[^.]*)*\.$/);
});

test("recipes are listed with the comment at their top", () => {
  writeFileSync(join(folder, "b.yaml"), "# A chat model on real chats.\n# More.\nmodel: {}\n");
  writeFileSync(join(folder, "a.yml"), "model: {} # not this\n");
  writeFileSync(join(folder, "notes.txt"), "");
  mkdirSync(join(folder, "paper"));
  writeFileSync(join(folder, "paper", "c.yaml"), "# A plan.\nrecipes: []\n");
  writeFileSync(
    join(folder, "paper", "d.yaml"),
    "# One sentence of\n# two lines, v1.5 of it. Another.\n# More.\nrecipes: []\n",
  );
  writeFileSync(join(folder, "paper", "e.yaml"), "\n# No end of a sentence\n\n# Apart.\nrecipes: []\n");
  expect(listRecipes([folder, join(folder, "none")])).toEqual([
    { path: join(folder, "a.yml"), description: "" },
    { path: join(folder, "b.yaml"), description: "A chat model on real chats." },
    { path: join(folder, "paper", "c.yaml"), description: "A plan." },
    { path: join(folder, "paper", "d.yaml"), description: "One sentence of two lines, v1.5 of it." },
    { path: join(folder, "paper", "e.yaml"), description: "No end of a sentence" },
  ]);
});
