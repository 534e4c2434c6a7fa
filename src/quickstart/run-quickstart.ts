import { existsSync } from "node:fs";
import { join } from "node:path";
import { type OpenLanguageModel, openLanguageModel } from "../assemble/open-model.ts";
import { isClassifier } from "../nn/index.ts";
import type { RunHooks } from "../recipes/run-result.ts";
import type { RunEvent } from "../run/events.ts";
import { releaseFreeMemory, setThreads, threads } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { shellQuote } from "../util/shell-quote.ts";
import type { Demo, ExerciseSplits, Pace } from "./demo.ts";
import { gradeModel, type PreparedExercises, prepareExercises, type TestResult } from "./evaluate-model.ts";
import { prepareFolder } from "./output-folder.ts";
import { chooseWork, estimateSeconds, measureStep, workText } from "./pace.ts";
import type { QuickstartScore, RunQuickstart } from "./quickstart-result.ts";
import type { MethodRun } from "./quickstart-runs.ts";
import { recordsDemo } from "./records/demo.ts";
import { relativeToCwd } from "./relative-to-cwd.ts";
import { runMethod } from "./run-method.ts";
import { translationDemo } from "./translation/demo.ts";
import { answerWatched } from "./watched-exercises.ts";
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

/** A quickstart under way. */
interface Setting {
  readonly task: ExerciseSplits;
  readonly out: string;
  /** Folder of the splits' files. */
  readonly data: string;
  readonly seed: number;
  readonly hooks: Hooks;
}

/** The work of a quickstart, as it fits this machine, and what the untrained model makes of it. */
interface Preparation {
  readonly job: Demo;
  readonly tests: PreparedExercises;
  readonly before: TestResult;
  readonly baseFolder: string;
}

async function compareMethods(
  demo: Demo,
  { out, seed }: { out: string; seed: number },
  hooks: Hooks,
): ReturnType<RunQuickstart> {
  const started = performance.now();
  const { signal, onEvent } = hooks;
  const task = demo.makeExercises(seed);
  const { data, kept } = prepareFolder(out, task);
  const note = (text: string) => onEvent({ type: "note", text });
  for (const { name, as } of kept)
    note(`${name} was changed since the last quickstart: kept as ${as} (recipes name it as before)`);
  onEvent({ type: "phase", title: `The task: ${demo.title}` });
  note(demo.intro);
  const setting = { task, out, data, seed, hooks };
  const preparation = await prepare(demo, setting, started);
  const { job, before } = preparation;
  // Each run opens the model itself: none is left open beside it.
  releaseFreeMemory();
  note(`before training, ${scoreText(job, before)}`);
  const runs: MethodRun[] = [];
  for (const i of job.methods.keys()) {
    const { method } = elementAt(job.methods, i).adapter;
    onEvent({
      type: "phase",
      title: `${i + 1} of ${job.methods.length}: ${method}, ${job.training.steps} steps`,
    });
    try {
      runs.push(await trainAndTest(preparation, setting, i));
    } catch (error) {
      if (signal.aborted) note(keptText([...runs.map((run) => run.method), method], out));
      throw error;
    }
  }
  onEvent({ type: "phase", title: "Report and merged model" });
  return publish({ job, task, data, out, seed, before, runs, started }, signal);
}

/** Fits the work to this machine and tests the untrained model. @param started `performance.now()` at the start */
async function prepare(demo: Demo, setting: Setting, started: number): Promise<Preparation> {
  using base = await openLanguageModel({ path: demo.model, ...demo.compute });
  const opened = (performance.now() - started) / 1000;
  const all = await prepareExercises(base, setting, "test");
  const { job, tests } = await fitToMachine(demo, { ...setting, base }, all, opened);
  const testsBefore = first(all, job.pace.testsBefore);
  const before = await gradeModel(job, base, testsBefore, setting.hooks.signal);
  return { job, before, tests: first(all, tests), baseFolder: base.baseFolder };
}

const first = ({ items, examples }: PreparedExercises, count: number): PreparedExercises => ({
  items: items.slice(0, count),
  examples: examples.slice(0, count),
});

/**
 * Shows the first answers, measures how fast the machine is, says how long it will take, and takes steps and tests away where
 * that is too long.
 */
async function fitToMachine(
  demo: Demo,
  { task, out, data, seed, base, hooks }: Setting & { base: OpenLanguageModel },
  all: PreparedExercises,
  open: number,
): Promise<{ job: Demo; tests: number }> {
  const { pace, training, names } = demo;
  const full = { steps: training.steps, tests: task.test.length };
  const started = performance.now();
  const answers = await answerWatched(demo, base, first(all, pace.watched), hooks.signal);
  const watch = (performance.now() - started) / 1000;
  hooks.onEvent({ type: "answers", when: "before training", withQuestions: true, answers });
  const { examples } = await prepareExercises(base, { task, data }, "train", training.batchSize);
  const paths = { model: demo.model, data, folder: out };
  const probe = { open, watch, step: measureStep(demo, base.model, examples, paths, seed) };
  const secondsOf = (work: typeof full) =>
    estimateSeconds(
      { methods: demo.methods.length, training, validation: task.validation.length, pace },
      probe,
      work,
    );
  const work = chooseWork(pace, full, secondsOf);
  hooks.onEvent({ type: "note", text: workText(work, full, secondsOf, names.item) });
  return { job: { ...demo, training: { ...training, steps: work.steps } }, tests: work.tests };
}

/** Trains with one of the demo's methods, with answers along the way, and tests it. */
async function trainAndTest(
  preparation: Preparation,
  { out, data, seed, hooks }: Setting,
  index: number,
): Promise<MethodRun> {
  const { job, tests } = preparation;
  const { signal, onEvent } = hooks;
  const settings = elementAt(job.methods, index);
  const { method } = settings.adapter;
  const place = { model: job.model, data, folder: out, name: method };
  const { result, tested } = await runMethod(job, settings, place, {
    seed,
    signal,
    onEvent: (event: RunEvent) => onEvent({ type: "run", method, event }),
    afterStep: watcher(preparation, job.pace, method, hooks),
    test: (open) => gradeModel(job, open, tests, signal),
  });
  const answers = tests.items.slice(0, tested.texts.length).map(({ question, expected }, i) => ({
    question,
    expected,
    text: elementAt(tested.texts, i),
    isExact: elementAt(tested.areExact, i),
  }));
  onEvent({ type: "answers", when: `${method}, trained`, withQuestions: false, answers });
  onEvent({ type: "note", text: `${method}, ${scoreText(job, tested)}` });
  return { method, result, testResult: tested };
}

/** Shows answers of the model while it is trained. */
function watcher(
  { job, tests, baseFolder }: Preparation,
  { watched, at }: Pace,
  method: string,
  hooks: Hooks,
): NonNullable<RunHooks["afterStep"]> {
  const { steps } = job.training;
  const due = new Set(at.map((share) => Math.round(share * steps)));
  return async (step, { model, tokenizer }) => {
    if (!due.has(step) || step === steps || isClassifier(model)) return;
    const open = { model, tokenizer, baseFolder };
    try {
      const answers = await answerWatched(job, open, first(tests, watched), hooks.signal);
      const when = `${method}, step ${step} of ${steps}`;
      hooks.onEvent({ type: "answers", when, withQuestions: false, answers });
    } catch (error) {
      // The run itself stops, with a checkpoint.
      if (!hooks.signal.aborted) throw error;
    }
  };
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const scoreText = ({ names }: Demo, { count, exact, parts }: QuickstartScore) =>
  `on ${count} ${names.item} of the test: ${percent(exact.value)} exact, ${percent(parts.value)} of ${names.part} right`;

/** Tells which runs a stopped quickstart has saved, and how to use them. */
function keptText(methods: readonly string[], out: string): string {
  const saved = methods.filter((method) => existsSync(join(out, method, "checkpoints")));
  if (saved.length === 0) return "Stopped before any run was saved.";
  const last = shellQuote(relativeToCwd(join(out, elementAt(saved, saved.length - 1))));
  return [
    `These runs are kept (${saved.join(", ")}):`,
    `  \`npx scalora generate ${last} 'a question'\` continues a prompt`,
    `  \`npx scalora train --resume ${last}\` resumes the training`,
    "The next quickstart in this folder replaces them.",
  ].join("\n");
}
