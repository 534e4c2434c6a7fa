import { eosTokenIds } from "../assemble/eos-token-ids.ts";
import { type Example, loadExamples } from "../data/index.ts";
import { generateBatch } from "../eval/index.ts";
import { wilsonInterval } from "../util/wilson-interval.ts";
import type { AnsweringModel, Demo, Exercise, ExerciseSplits, Grade, Split } from "./demo.ts";
import { scoreLabels } from "./label-scores.ts";
import { splitFile } from "./output-folder.ts";
import type { FractionEstimate } from "./quickstart-result.ts";

/** Number of answers shown. */
const shownCount = 3;

/** Exercises, and their rows as the model sees them. */
export interface PreparedExercises {
  readonly items: readonly Exercise[];
  readonly examples: readonly Example[];
}

/** The rows of the splits of a demo. */
export interface ExercisePlace {
  readonly task: ExerciseSplits;
  /** Folder of the splits' files. */
  readonly data: string;
}

/** A model's result on one split. */
export interface TestResult {
  /** Number of exercises. */
  readonly count: number;
  /** Fraction of exact answers. */
  readonly exact: FractionEstimate;
  /** Fraction of correct words or fields. */
  readonly parts: FractionEstimate;
  /** Mean cross entropy per label token, in nats. */
  readonly loss: number;
  /** Answers to the first exercises. */
  readonly texts: readonly string[];
  /** Whether each of these answers is exact. */
  readonly areExact: readonly boolean[];
}

/** The first exercises of a split with their rows, tokenised; all of them by default. */
export async function prepareExercises(
  { model, tokenizer }: Pick<AnsweringModel, "model" | "tokenizer">,
  { task, data }: ExercisePlace,
  part: Split,
  count = task[part].length,
): Promise<PreparedExercises> {
  const config = { train: [{ path: splitFile(data, part) }], eval: "none" as const };
  const { examples } = await loadExamples(config, tokenizer, { maxLength: model.info.maxPositions });
  return { items: task[part].slice(0, count), examples: examples.slice(0, count) };
}

/** Measures an opened model on exercises. @throws the signal's reason when it is aborted */
export async function gradeModel(
  job: Demo,
  open: AnsweringModel,
  exercises: PreparedExercises,
  signal: AbortSignal,
): Promise<TestResult> {
  const { loss, firstChoices } = await scoreLabels(open.model, exercises.examples, signal);
  const { grades, texts } = await job.answer(
    open,
    { ...exercises, firstChoices },
    { shown: shownCount, signal },
  );
  return {
    ...gradeFractions(grades),
    count: grades.length,
    loss,
    texts: texts.slice(0, shownCount),
    areExact: grades.slice(0, shownCount).map(({ exact }) => exact),
  };
}

/**
 * Both fractions with their 95 % intervals. The intervals count answers as trials, not their parts, because the parts of one
 * answer tend to be right or wrong together. As they do so only in part, the interval of the parts is wider than need be.
 */
export function gradeFractions(grades: readonly Grade[]): Pick<TestResult, "exact" | "parts"> {
  const sum = (count: (grade: Grade) => number) => grades.reduce((total, grade) => total + count(grade), 0);
  const estimate = (value: number): FractionEstimate => ({ value, ...wilsonInterval(value, grades.length) });
  return {
    exact: estimate(sum(({ exact }) => Number(exact)) / grades.length),
    parts: estimate(sum(({ right }) => right) / sum(({ parts }) => parts)),
  };
}

/** Number of sequences generated at once. */
const generationBatchSize = 32;

/** Greedy answers to examples; the prompt of each ends before its first label. */
export async function generateAnswers(
  { model, tokenizer, baseFolder }: AnsweringModel,
  examples: readonly Example[],
  { maxTokens, signal }: { maxTokens: number; signal: AbortSignal },
): Promise<string[]> {
  const requests = examples.map(({ ids, isLabel }, row) => ({
    name: `row ${row + 1}`,
    prompt: [...ids.slice(0, isLabel.indexOf(1))],
    seed: 0,
  }));
  const decode = (ids: readonly number[]) => tokenizer.decode(ids);
  const options = {
    maxTokens,
    sampling: { temperature: 0 },
    stop: [],
    decode,
    batch: generationBatchSize,
    signal,
  };
  const ends = { endTokens: eosTokenIds(baseFolder, tokenizer) };
  const texts = new Array<string>(requests.length).fill("");
  for await (const { index, text } of generateBatch(model, requests, { ...options, ...ends }))
    texts[index] = text.trim();
  return texts;
}
