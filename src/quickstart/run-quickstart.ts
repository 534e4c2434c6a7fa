import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RunEvent } from "../run/events.ts";
import { setThreads, threads } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { shellQuote } from "../util/shell-quote.ts";
import type { Demo } from "./demo.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { prepareFolder } from "./output-folder.ts";
import type { QuickstartScore, RunQuickstart } from "./quickstart-result.ts";
import type { MethodRun } from "./quickstart-runs.ts";
import { recordsDemo } from "./records/demo.ts";
import { relativeToCwd } from "./relative-to-cwd.ts";
import { runMethod } from "./run-method.ts";
import { translationDemo } from "./translation/demo.ts";
import { publish } from "./write-outputs.ts";

type Options = Parameters<RunQuickstart>[0];
type Hooks = Parameters<RunQuickstart>[1];

/**
 * Fine-tunes a small chat model, or the embedded tiny model, with each method on the same seed and data, measures the results
 * on a test set, writes a report and exports the merged model of ScaLoRA-I.
 * @throws ScaloraError `usage` when the output folder holds other files than an earlier quickstart's; the signal's reason
 * when it is aborted
 */
export async function runQuickstart(options: Options, hooks: Hooks): ReturnType<RunQuickstart> {
  return runDemo(options.model === undefined ? translationDemo : recordsDemo(options.model), options, hooks);
}

/** Runs one demo. @throws as `runQuickstart` */
export async function runDemo(
  job: Demo,
  options: { out: string; seed: number },
  hooks: Hooks,
): ReturnType<RunQuickstart> {
  const before = threads();
  if (job.threads !== undefined) setThreads(job.threads);
  try {
    return await compareMethods(job, options, hooks);
  } finally {
    setThreads(before);
  }
}

async function compareMethods(
  job: Demo,
  { out, seed }: { out: string; seed: number },
  { signal, onEvent }: Hooks,
): ReturnType<RunQuickstart> {
  const started = performance.now();
  const task = job.makeExercises(seed);
  const data = prepareFolder(out, task);
  const place = { job, task, data };
  const note = (text: string) => onEvent({ type: "note", text });
  onEvent({ type: "phase", title: `The task: ${job.title}` });
  note(job.intro);
  const first = elementAt(task.test, 0);
  note(`  question  ${first.question}\n  expected  ${first.expected}`);
  const before = await evaluateModel(place, job.model, "test", signal);
  note(`  before    ${before.texts[0]}\n  test      ${scoreText(job, before)}`);
  const runs: MethodRun[] = [];
  for (const [i, settings] of job.methods.entries()) {
    const { method } = settings.adapter;
    const title = `${i + 1} of ${job.methods.length}: ${method}, ${job.training.steps} steps`;
    onEvent({ type: "phase", title });
    const at = { model: job.model, data, folder: out, name: method };
    const hooks = { signal, onEvent: (event: RunEvent) => onEvent({ type: "run", method, event }) };
    try {
      const result = await runMethod(job, settings, at, { seed, ...hooks });
      const score = await evaluateModel(place, result.folder, "test", signal);
      runs.push({ method, result, testResult: score });
      note(`  after     ${score.texts[0]}\n  test      ${scoreText(job, score)}`);
    } catch (error) {
      if (signal.aborted) note(keptText([...runs.map((run) => run.method), method], out));
      throw error;
    }
  }
  onEvent({ type: "phase", title: "Report and merged model" });
  return publish({ ...place, out, seed, before, runs, started }, signal);
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const scoreText = ({ names }: Demo, { exact, parts }: QuickstartScore) =>
  `${percent(exact.value)} of ${names.item} exact, ${percent(parts.value)} of ${names.part} right`;

/** Tells which runs a stopped quickstart has saved, and how to use them. */
function keptText(methods: readonly string[], out: string): string {
  const saved = methods.filter((method) => existsSync(join(out, method, "checkpoints")));
  if (saved.length === 0) return "Stopped before any run was saved.";
  const last = shellQuote(relativeToCwd(join(out, elementAt(saved, saved.length - 1))));
  return [
    `These runs are kept (${saved.join(", ")}):`,
    `  npx scalora generate ${last} 'a question' continues a prompt`,
    `  npx scalora train --resume ${last} resumes the training`,
    "The next quickstart in this folder replaces them.",
  ].join("\n");
}
