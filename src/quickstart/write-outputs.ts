import { join } from "node:path";
import { stringify } from "yaml";
import { runExport } from "../export/run-export.ts";
import { writeReport } from "../report/index.ts";
import { elementAt, zip } from "../util/elements.ts";
import { writeOutputFile } from "../util/output-file.ts";
import { shellQuote } from "../util/shell-quote.ts";
import type { TestResult } from "./evaluate-model.ts";
import { fileNames, splitFile } from "./output-folder.ts";
import type { QuickstartResult, QuickstartRow, QuickstartScore } from "./quickstart-result.ts";
import type { MethodRun, QuickstartRuns } from "./quickstart-runs.ts";
import { recipeSections } from "./recipe.ts";
import { relativeIfBelow, relativeToCwd } from "./relative-to-cwd.ts";
import { quickstartReport } from "./report.ts";

/** The method whose model is exported and whose recipe is written. */
const exportedMethod = "scalora-i";

/** Writes the merged model, a recipe to continue with, the results and the report. */
export async function publish(quickstart: QuickstartRuns, signal: AbortSignal): Promise<QuickstartResult> {
  const { job, task, out, before, runs, started } = quickstart;
  const { name, format, dtype } = job.output;
  const exported = join(out, name);
  const target = { path: join(out, exportedMethod), ...job.compute };
  await runExport({ target, out: exported, kind: "merged", format, dtype }, { signal });
  writeOutputFile(join(out, fileNames.recipe), recipeText(quickstart));
  const result: QuickstartResult = {
    names: job.names,
    before: withoutTexts(before),
    rows: runs.map(tableRow),
    samples: zip(task.test.slice(0, before.texts.length), before.texts).map(([exercise, text], i) => ({
      prompt: exercise.question,
      expected: exercise.expected,
      before: text,
      after: runs.map(({ method, testResult }) => ({ method, output: elementAt(testResult.texts, i) })),
    })),
    report: join(out, fileNames.report),
    exported,
    seconds: (performance.now() - started) / 1000,
    remark: job.remark,
    next: nextCommands(quickstart),
  };
  writeReport(result.report, quickstartReport(quickstart, result));
  writeOutputFile(join(out, fileNames.results), `${JSON.stringify(result, undefined, 2)}\n`);
  return result;
}

const withoutTexts = ({ count, exact, parts, loss }: TestResult): QuickstartScore => ({
  count,
  exact,
  parts,
  loss,
});

function tableRow({ method, result, testResult }: MethodRun): QuickstartRow {
  const { trainable, seconds, memory, rank } = result;
  return { method, ...withoutTexts(testResult), trainable, seconds, memory, rank };
}

/** The recipe file of the exported method, as a template for the user's own runs. */
function recipeText({ job, out, data, seed }: QuickstartRuns): string {
  const place = {
    model: relativeIfBelow(job.model),
    data: relativeIfBelow(data),
    folder: relativeIfBelow(out),
  };
  const exported = job.methods.find(({ adapter }) => adapter.method === exportedMethod);
  const settings = exported ?? elementAt(job.methods, 0);
  const sections = recipeSections(job, settings, place, seed);
  return (
    `# ${job.title}: the quickstart's ${exportedMethod} run\n` +
    `# Relative paths start at the folder where the command runs.\n${stringify(sections)}`
  );
}

/** Commands to try next, for the working directory. */
function nextCommands({ job, task, out, data }: QuickstartRuns): string[] {
  const path = (...names: string[]) => shellQuote(relativeToCwd(join(...names)));
  return [
    ...job.next((name) => path(out, name), elementAt(task.test, 0).question),
    `npx scalora eval ${path(out, job.output.name)} --data ${path(splitFile(data, "test"))}`,
    `npx scalora train ${path(out, fileNames.recipe)} --set train.steps=${4 * job.training.steps}`,
  ];
}
