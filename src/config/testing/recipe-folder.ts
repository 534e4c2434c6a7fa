import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, loadRecipe } from "../index.ts";

/** The shortest recipe; what it names is in the folder that `recipeFolder` makes. */
export const minimal = "model:\n  path: model\nadapter:\n  method: scalora-i\ndata:\n  train: chats.jsonl\n";

/** A temporary folder with an (empty) model and data files, and recipes read there. */
export function recipeFolder() {
  const path = mkdtempSync(join(tmpdir(), "scalora-config-"));
  mkdirSync(join(path, "model"));
  for (const name of ["chats.jsonl", "held-out.jsonl"]) writeFileSync(join(path, name), "{}\n");
  const load = (yaml: string, set: string[] = []) => {
    writeFileSync(join(path, "recipe.yaml"), yaml);
    return loadRecipe(join(path, "recipe.yaml"), { cwd: path, set });
  };
  /** The error of a recipe with problems. */
  const problems = (yaml: string, set: string[] = []): ConfigError => {
    try {
      load(yaml, set);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
    throw new Error("the recipe was accepted");
  };
  return { path, load, problems, remove: () => rmSync(path, { recursive: true, force: true }) };
}
