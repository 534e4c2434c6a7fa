import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf, ScaloraError } from "../../util/errors.js";
import { makeFolders, writeFileAtomic } from "../../util/files.js";
import { type Item, type Part, partNames, type Task } from "./job.js";

/** What a quickstart puts into its folder, beside a run's folder for each method. */
export const parts = {
  /** Marks the folder; holds the results in the end. */
  results: "quickstart.json",
  data: "data",
  recipe: "recipe.yaml",
  report: "report.html",
} as const;

/** Names of runs, models and programs, which a quickstart of either job may have left. */
const leftovers = ["lora", "scalora-i", "full", "model", "model.gguf", "chat.mjs", "Modelfile"];

/**
 * Makes the output folder, or clears what an earlier quickstart left in it, and writes the task's rows.
 * @returns the folder of the rows
 * @throws ScaloraError `usage` when the folder holds other things, `run` when it cannot be written
 */
export function prepareFolder(out: string, task: Task): string {
  clearEarlier(out, claim(out));
  writeFileAtomic(join(out, parts.results), "{}\n");
  const data = join(out, parts.data);
  mkdirSync(data);
  for (const part of partNames) writeFileAtomic(taskFile(data, part), lines(task[part]));
  return data;
}

/** The rows of one part of the task. */
export const taskFile = (data: string, part: Part) => join(data, `${part}.jsonl`);

const lines = (items: readonly Item[]) => items.map(({ row }) => `${JSON.stringify(row)}\n`).join("");

/** Makes the folder if need be; what is in it. */
function claim(out: string): string[] {
  try {
    makeFolders(out);
    accessSync(out, constants.W_OK);
    return readdirSync(out);
  } catch (cause) {
    throw new ScaloraError("run", "The output folder cannot be written", {
      where: out,
      found: messageOf(cause),
      fix: "make room or permissions there, or name another folder with --out",
      cause,
    });
  }
}

/** Removes only what a quickstart makes, and only where one has been: other runs in the folder stay. */
function clearEarlier(out: string, content: readonly string[]): void {
  if (content.length === 0) return;
  if (!existsSync(join(out, parts.results))) {
    throw new ScaloraError("usage", "The folder holds something else than an earlier quickstart", {
      where: out,
      fix: "name another folder with --out",
    });
  }
  for (const name of [...Object.values(parts), ...leftovers])
    rmSync(join(out, name), { recursive: true, force: true });
}
