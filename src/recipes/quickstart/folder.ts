import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf, ScaloraError } from "../../util/errors.js";
import { makeFolders, writeFileAtomic } from "../../util/files.js";
import { quickstartMethods } from "./settings.js";
import { makeTask, type Row, type TranslationTask } from "./world.js";

/** What a quickstart puts into its folder, beside a run's folder for each method. */
export const parts = {
  /** Marks the folder; holds the results in the end. */
  results: "quickstart.json",
  data: "data",
  recipe: "recipe.yaml",
  report: "report.html",
  model: "model",
} as const;

/**
 * Makes the output folder, or clears what an earlier quickstart left in it, and writes the task's rows.
 * @throws ScaloraError `usage` when the folder holds other things, `run` when it cannot be written
 */
export function prepareFolder(
  out: string,
  settings: { seed: number; steps: number },
): { task: TranslationTask; data: string } {
  clearEarlier(out, claim(out));
  writeFileAtomic(join(out, parts.results), `${JSON.stringify(settings, undefined, 2)}\n`);
  const data = join(out, parts.data);
  mkdirSync(data);
  const task = makeTask(settings.seed);
  for (const [part, rows] of Object.entries(task)) writeFileAtomic(taskFile(data, part), lines(rows));
  return { task, data };
}

/** The rows of one part of the task. */
export const taskFile = (data: string, part: string) => join(data, `${part}.jsonl`);

const lines = (rows: readonly Row[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

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
  for (const name of [...Object.values(parts), ...quickstartMethods])
    rmSync(join(out, name), { recursive: true, force: true });
}
