import { join } from "node:path";
import { packageRoot } from "../../../scripts/setup/locate.mjs";
import { setThreads, threads } from "../../torch/index.js";
import type { RunEvent, RunQuickstart } from "../api.js";
import { openGenerator } from "../generate.js";
import type { CompletedRun } from "./done.js";
import { prepareFolder } from "./folder.js";
import { publish } from "./publish.js";
import { runMethod } from "./run-method.js";
import type { Score } from "./score.js";
import { chosenSettings, quickstartMethods, quickstartRank, quickstartSteps } from "./settings.js";
import { type Row, taskSizes } from "./world.js";

/** The embedded model. */
export const tinyModelFolder = join(packageRoot, "assets", "tiny");

/** Questions that samples are shown for. */
const sampleCount = 3;

type Options = Parameters<RunQuickstart>[0] & {
  /** Steps of each run; tests take fewer. */
  steps?: number;
};
type Hooks = Parameters<RunQuickstart>[1];

/**
 * Fine-tunes the embedded tiny model on a small task with each method on equal seeds and data, measures the results on
 * a test set, writes a report and exports the model that ScaLoRA-I made.
 * @throws ScaloraError `usage` when the output folder holds something else than an earlier quickstart; the signal's
 * reason when it stops
 */
export async function runQuickstart(options: Options, hooks: Hooks): ReturnType<RunQuickstart> {
  const before = threads();
  // One thread is enough for operators this small; two that wait for a busy core waste whole seconds.
  setThreads(1);
  try {
    return await compareMethods(options, hooks);
  } finally {
    setThreads(before);
  }
}

async function compareMethods(
  { out, seed, steps = quickstartSteps }: Options,
  { signal, onEvent }: Hooks,
): ReturnType<RunQuickstart> {
  const started = performance.now();
  const { task, data } = prepareFolder(out, { seed, steps });
  const note = (text: string) => onEvent({ type: "note", text });
  onEvent({ type: "phase", title: "The task: translate English to Lumi, word for word" });
  note(
    `The tiny model can repeat sentences of both languages; it has never seen their dictionary. ${taskSizes.train} ` +
      `sentences teach it, ${taskSizes.test} others are the test. Low-rank methods have rank ${quickstartRank}.`,
  );
  const questions = task.test.slice(0, sampleCount);
  const before = await answer(tinyModelFolder, questions, signal);
  note(`  question  ${questions[0].prompt}\n  before    ${before[0]}`);
  const runs: CompletedRun[] = [];
  for (const [i, method] of quickstartMethods.entries()) {
    onEvent({ type: "phase", title: `${i + 1} of ${quickstartMethods.length}: ${method}, ${steps} steps` });
    const place = { model: tinyModelFolder, data, folder: out, name: method };
    const hooks = { signal, onEvent: (event: RunEvent) => onEvent({ type: "run", method, event }) };
    const result = await runMethod(chosenSettings[method], place, { seed, steps }, hooks);
    const outputs = await answer(result.folder, questions, signal);
    runs.push({ method, result, outputs });
    note(`  after     ${outputs[0]}\n  test      ${scoreText(result.test)}`);
  }
  onEvent({ type: "phase", title: "Report and merged model" });
  return publish(
    { out, data, model: tinyModelFolder, seed, steps, questions, before, runs, started },
    signal,
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const scoreText = ({ exact, words }: Score) =>
  `${percent(exact)} of sentences exact, ${percent(words)} of words right`;

/** Greedy answers of a model folder or a run. */
async function answer(path: string, questions: readonly Row[], signal: AbortSignal): Promise<string[]> {
  const generator = await openGenerator({ path, dtype: "float32", device: "cpu" });
  const settings = { maxTokens: 16, temperature: 0, seed: 0, stop: [] };
  try {
    const answers: string[] = [];
    for (const { prompt } of questions) {
      let text = "";
      for await (const piece of generator.generate(prompt, settings, signal)) text += piece;
      answers.push(text.trim());
    }
    return answers;
  } finally {
    generator.dispose();
  }
}
