import { isAbsolute, join, relative } from "node:path";
import { stringify } from "yaml";
import { writeFileAtomic } from "../../util/files.js";
import type { QuickstartResult, QuickstartRow } from "../api.js";
import { runExport } from "../export.js";
import { writeReport } from "../report/index.js";
import type { CompletedRun, Quickstart } from "./done.js";
import { parts, taskFile } from "./folder.js";
import { quickstartReport } from "./report.js";
import { chosenSettings, type QuickstartMethod, recipeSections } from "./settings.js";

/** The method whose model is exported and whose recipe is written. */
const shown: QuickstartMethod = "scalora-i";

/** Writes the merged model, a recipe to go on with, the results and the report. */
export async function publish(quickstart: Quickstart, signal: AbortSignal): Promise<QuickstartResult> {
  const { out, questions, before, runs, started } = quickstart;
  const exported = join(out, parts.model);
  const target = { path: join(out, shown), dtype: "float32", device: "cpu" } as const;
  await runExport({ target, out: exported, kind: "merged", dtype: "float32" }, { signal });
  writeFileAtomic(join(out, parts.recipe), recipeText(quickstart));
  const result: QuickstartResult = {
    rows: runs.map(rowOf),
    samples: questions.map(({ prompt, completion }, i) => ({
      prompt,
      expected: completion.trim(),
      before: before[i],
      after: runs.map(({ method, outputs }) => ({ method, output: outputs[i] })),
    })),
    report: join(out, parts.report),
    exported,
    seconds: (performance.now() - started) / 1000,
    remark:
      "Each method at the settings that its own sweep found best. One seed says little: docs/results.md has five, the sweeps " +
      "and LoRA of higher rank.",
    next: nextCommands(quickstart),
  };
  writeReport(result.report, quickstartReport(quickstart, result));
  writeFileAtomic(join(out, parts.results), `${JSON.stringify(result, undefined, 2)}\n`);
  return result;
}

function rowOf({ method, result }: CompletedRun): QuickstartRow {
  const { test, trainable, seconds, memory, rank } = result;
  const { exact: accuracy, words: wordAccuracy, loss } = test;
  return { method, accuracy, wordAccuracy, loss, trainable, seconds, memory, rank };
}

/** The shown method's run as a recipe file, for runs of one's own. */
function recipeText({ out, data, model, seed, steps }: Quickstart): string {
  const place = { model: movable(model), data: movable(data), folder: movable(out) };
  const sections = recipeSections(chosenSettings[shown], place, { seed, steps });
  return (
    `# Translate English to Lumi with the tiny model: the quickstart's ${shown} run\n` +
    `# Relative paths start at the folder where the command runs.\n${stringify(sections)}`
  );
}

/** A path below the present folder as it is seen from there, so that the folder can be moved or given away. */
function movable(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside === "" || inside.startsWith("..") || isAbsolute(inside) ? path : inside;
}

/** Commands that work from the present folder. */
function nextCommands({ out, data, questions }: Quickstart): string[] {
  const path = (...names: string[]) => quoted(relative(process.cwd(), join(...names)) || ".");
  return [
    `npx scalora generate ${path(out, parts.model)} ${quoted(questions[0].prompt)}`,
    `npx scalora eval ${path(out, parts.model)} --data ${path(taskFile(data, "test"))}`,
    `npx scalora train ${path(out, parts.recipe)} --set train.steps=1200`,
  ];
}

/** A word of a shell command. */
const quoted = (text: string) =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
