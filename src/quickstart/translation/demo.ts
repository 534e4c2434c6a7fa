import { join } from "node:path";
import { packageRoot } from "../../setup/paths.ts";
import { formatCount } from "../../util/format.ts";
import { shellQuote } from "../../util/shell-quote.ts";
import type { Demo, Grade, MethodSettings, Training } from "../demo.ts";
import { generateAnswers } from "../evaluate-model.ts";
import { makeTranslationSplits, sentenceLength, splitSizes } from "./translation-examples.ts";

/** The embedded model. */
export const tinyModelFolder = join(packageRoot, "assets", "tiny");

/** Columns of the factors: as few as possible, for the task asks for a change of high rank. */
const rank = 1;

/** What the sweep of bench/quickstart.ts found best on the validation set; docs/results.md has all of it. */
const methods: readonly MethodSettings[] = [
  { adapter: { method: "lora", rank }, lr: 1.8e-2 },
  { adapter: { method: "scalora-i", rank, scale: { columnNorm: 0.577 } }, lr: 1.8e-2 },
  { adapter: { method: "full" }, lr: 6e-3 },
];

const training: Training = { steps: 300, batchSize: 32, evaluations: 5, keepLast: 8 };

/** The embedded tiny model learns to translate into a made-up language. */
export const translationDemo: Demo = {
  title: "translate English to Lumi, word for word",
  intro:
    `The tiny model can repeat sentences of both languages; it has never seen their dictionary. ${splitSizes.train} ` +
    `sentences teach it, ${splitSizes.test} others are the test. Low-rank methods have rank ${rank}.`,
  summary:
    "A tiny Llama that can repeat sentences of English and of a made-up language, Lumi, is fine-tuned to translate the " +
    "one into the other, word for word by a dictionary that it has never seen. The sentences of the test are in no other set " +
    `(${formatCount(splitSizes.train)} to learn from, ${splitSizes.test} in the test).`,
  remark:
    "Each method at the settings that its own sweep found best. One seed says little: docs/results.md has five, the sweeps " +
    "and LoRA of higher rank.",
  names: { item: "sentences", part: "words" },
  model: tinyModelFolder,
  rank,
  methods,
  training,
  // It says how long it takes, and is not shortened: docs/results.md compares its results.
  pace: {
    watched: 3,
    at: [],
    testsBefore: splitSizes.test,
    seconds: Number.POSITIVE_INFINITY,
    least: { steps: training.steps, tests: splitSizes.test },
  },
  compute: { dtype: "float32", device: "cpu" },
  // Enough for operators this small; two threads that wait for a busy core waste whole seconds.
  threads: 1,
  output: { name: "model", format: "folder", dtype: "float32" },
  next: (path, question) => [`npx scalora generate ${path("model")} ${shellQuote(question)}`],
  makeExercises(seed) {
    const { train, validation, test } = makeTranslationSplits(seed);
    const items = (rows: typeof train) =>
      rows.map(({ prompt, completion }) => ({
        row: { prompt, completion },
        question: prompt,
        expected: completion.trim(),
      }));
    return { train: items(train), validation: items(validation), test: items(test) };
  },
  async answer(open, { examples, firstChoices }, { shown, signal }) {
    const options = { maxTokens: 2 * sentenceLength, signal };
    return {
      grades: gradeWords(firstChoices),
      texts: await generateAnswers(open, examples.slice(0, shown), options),
    };
  },
};

/** Grades by words, from which labels the model finds the most probable. The end is no word, and must be right too. */
export const gradeWords = (firstChoices: readonly (readonly boolean[])[]): Grade[] =>
  firstChoices.map((answer) => ({
    exact: answer.every(Boolean),
    right: answer.slice(0, -1).filter(Boolean).length,
    parts: answer.length - 1,
  }));
