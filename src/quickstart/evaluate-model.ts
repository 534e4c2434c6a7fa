import { eosTokenIds } from "../assemble/eos-token-ids.ts";
import { evaluationBatches } from "../assemble/evaluation-batches.ts";
import { type OpenLanguageModel, openLanguageModel } from "../assemble/open-model.ts";
import { type Example, loadExamples } from "../data/index.ts";
import { generateBatch } from "../eval/index.ts";
import { releaseFreeMemory } from "../torch/index.ts";
import { evaluateLoss } from "../train/evaluate.ts";
import { internalError } from "../util/errors.ts";
import { wilsonInterval } from "../util/wilson-interval.ts";
import type { Demo, ExerciseSplits, Grade, Split } from "./demo.ts";
import { splitFile } from "./output-folder.ts";
import type { FractionEstimate } from "./quickstart-result.ts";

/** Number of answers shown. */
const shownCount = 3;

/** A model's result on one split. */
export interface TestResult {
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

/**
 * Measures a model, or a run's best checkpoint, on one split of a demo.
 * @throws the signal's reason when it is aborted
 */
export async function evaluateModel(
  { job, task, data }: { job: Demo; task: ExerciseSplits; data: string },
  path: string,
  part: Split,
  signal: AbortSignal,
): Promise<TestResult> {
  const open = await openLanguageModel({ path, ...job.compute });
  try {
    const { model, tokenizer } = open;
    const config = { train: [{ path: splitFile(data, part) }], eval: "none" as const };
    const { examples } = await loadExamples(config, tokenizer, { maxLength: model.info.maxPositions });
    const evaluation = await evaluateLoss(model, evaluationBatches(examples), {
      stopping: () => signal.aborted,
    });
    signal.throwIfAborted();
    if (evaluation === undefined) throw internalError("nothing else stops an evaluation");
    const exercises = { items: task[part], examples };
    const { grades, texts } = await job.answer(open, exercises, { shown: shownCount, signal });
    return {
      ...gradeFractions(grades),
      loss: evaluation.loss,
      texts: texts.slice(0, shownCount),
      areExact: grades.slice(0, shownCount).map(({ exact }) => exact),
    };
  } finally {
    open.dispose();
    releaseFreeMemory();
  }
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
const generationBatchSize = 64;

/** Greedy answers to examples; the prompt of each ends before its first label. */
export async function generateAnswers(
  { model, tokenizer, baseFolder }: OpenLanguageModel,
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
