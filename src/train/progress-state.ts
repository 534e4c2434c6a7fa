import { z } from "zod";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import type { Json } from "../util/json.ts";

const evaluationSchema = z.strictObject({
  step: z.int().min(0),
  loss: z.number(),
  score: z.number().optional(),
  /** Names of the metrics that make the score; absent in states of version 1. */
  scoredBy: z.array(z.string()).optional(),
});
/** An evaluation: held-out loss, score when the task has metrics and what it is made of, and number of steps done. */
export type EvaluationRecord = z.output<typeof evaluationSchema>;

const json: z.ZodType<Json> = z.json();

/** Everything that a resume needs besides tensors: `state.json` of a checkpoint. */
const schema = z.strictObject({
  /** 2 since evaluations say what their score is made of and weight decay acts on all methods. */
  version: z.literal([1, 2]).default(1),
  /** Optimiser steps done. */
  step: z.int().min(0),
  /** Tokens and label tokens seen. */
  tokens: z.int().min(0),
  labelTokens: z.int().min(0),
  /** Time spent training, evaluating and saving, over all resumes. */
  seconds: z.number().min(0),
  /** Training loss of the last step. */
  loss: z.number().nullable(),
  /** Training loss of the first step, and the moving average; null in checkpoints of version 1. */
  firstLoss: z.number().nullable().default(null),
  averageLoss: z.number().nullable().default(null),
  /** Consecutive steps, up to the last one, with the loss of a diverged run. */
  stepsDiverged: z.int().min(0).default(0),
  /** Evaluation before the first step, the last one, and the best one after at least one step. */
  firstEval: evaluationSchema.nullable(),
  lastEval: evaluationSchema.nullable(),
  best: evaluationSchema.nullable(),
  /** Evaluations since the best one. */
  sinceBest: z.int().min(0),
  /** Settings that change rounding: a resume uses the same. */
  engine: z.strictObject({ threads: z.int().min(1), gemmBackend: z.enum(["aten", "onednn"]) }),
  /** The batch source's position. */
  batches: z.strictObject({
    version: z.literal(1),
    fingerprint: z.string(),
    epoch: z.int().min(0),
    batch: z.int().min(0),
    drawn: z.array(z.int().min(0)),
  }),
  /** The method's counters. */
  counters: json,
});

/** What a checkpoint's `state.json` holds. */
export type SavedState = z.output<typeof schema>;
/** The progress of a run. */
export type Progress = Omit<SavedState, "version" | "engine" | "batches" | "counters">;

export const freshProgress = (): Progress => ({
  step: 0,
  tokens: 0,
  labelTokens: 0,
  seconds: 0,
  loss: null,
  firstLoss: null,
  averageLoss: null,
  stepsDiverged: 0,
  firstEval: null,
  lastEval: null,
  best: null,
  sinceBest: 0,
});

/**
 * Records an evaluation. The best one has the highest score, among equal scores (or without any) the lowest loss; scores
 * made of other metrics, as a run begun with an earlier release has, are not compared. The one before the first step does not count.
 */
export function recordEvaluation(
  progress: Progress,
  { loss, score, scoredBy }: Omit<EvaluationRecord, "step">,
): { best: boolean } {
  const { step } = progress;
  const here = { step, loss, ...(score !== undefined && { score }), ...(scoredBy && { scoredBy }) };
  progress.lastEval = here;
  if (progress.step === 0) {
    progress.firstEval = here;
    return { best: false };
  }
  const best = progress.best === null || isBetter(here, progress.best);
  if (best) progress.best = here;
  progress.sinceBest = best ? 0 : progress.sinceBest + 1;
  return { best };
}

function isBetter(here: EvaluationRecord, best: EvaluationRecord): boolean {
  const { score: was } = best;
  const isSameScore = String(here.scoredBy) === String(best.scoredBy);
  if (isSameScore && here.score !== undefined && was !== undefined && here.score !== was)
    return here.score > was;
  return here.loss < best.loss;
}

/** @throws `format` naming the first invalid field. */
export function parseState(written: unknown, where: string): SavedState {
  const parsed = schema.safeParse(written);
  if (parsed.success) return parsed.data;
  const issue = elementAt(parsed.error.issues, 0);
  throw new ScaloraError("format", "This checkpoint's state is invalid or of another version", {
    where: `${where}: ${issue.path.join(".")}`,
    found: issue.message,
  });
}
