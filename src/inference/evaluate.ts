import { createHash } from "node:crypto";
import { classesOf } from "../assemble/class-labels.ts";
import { rowNotes } from "../assemble/dropped-rows.ts";
import { evaluationBatches } from "../assemble/evaluation-batches.ts";
import { glueClassNames, glueMetrics } from "../assemble/glue-task.ts";
import { heldOutRows } from "../assemble/held-out-rows.ts";
import { modelIdentity } from "../assemble/model-identity.ts";
import { type OpenModel, openModel } from "../assemble/open-model.ts";
import { usedCheckpoint } from "../assemble/used-checkpoint.ts";
import { type DataConfig, type Example, loadExamples } from "../data/index.ts";
import { requireSame, settingsOf } from "../distributed/require-same.ts";
import { isClassifier } from "../nn/index.ts";
import { evaluateLoss } from "../train/evaluate.ts";
import { internalError, ScaloraError } from "../util/errors.ts";
import type { EvaluationRequest, EvaluationResult, RunEvaluation } from "./evaluation-request.ts";
import { lockResults } from "./lock-results.ts";
import { predictionRecorder } from "./record-predictions.ts";

/** Measures a model's loss, with perplexity or accuracy, on files of examples, or a run's on its held-out rows. */
export const runEvaluation: RunEvaluation = (request, hooks) =>
  evaluateOpened(request, hooks, () => openModel(request.target, { needsData: request.data.length === 0 }));

/** `runEvaluation` of what `openTarget` gives, which is disposed of then. */
export async function evaluateOpened(
  request: EvaluationRequest,
  { signal, onProgress, onNote = () => {}, group }: Parameters<RunEvaluation>[1],
  openTarget: () => Promise<OpenModel>,
): Promise<EvaluationResult> {
  const started = performance.now();
  checkRequest(request);
  const predictions = group === undefined || group.rank === 0 ? request.predictions : undefined;
  const wait = { signal, onWait: onNote };
  using lock = predictions === undefined ? undefined : await lockResults(predictions, wait);
  using open = await openTarget();
  const recorder = predictionRecorder({ ...request, predictions }, open, () => lock?.assertHeld());
  const config = evaluationDataConfig(request, open);
  checkClasses(open, config);
  const { examples, notes } = await examplesFor(config, request, open, signal);
  if (group)
    await requireSame(group, {
      ...settingsOf(request),
      model: modelIdentity(open, request.target.adapter),
      rows: createHash("sha256").update(JSON.stringify(examples)).digest("hex"),
    });
  const batches = evaluationBatches(examples);
  let done = 0;
  const stopping = () => {
    onProgress(done++, batches.length);
    return signal.aborted;
  };
  const result = await evaluateLoss(open.model, batches, {
    stopping,
    ...(recorder && { onPredictions: (batch, found) => recorder.add(batch, found) }),
    ...(config && glueMetrics(config)),
    group,
  });
  if (result === undefined) {
    signal.throwIfAborted();
    await group?.barrier(); // Rejects: the rank that was asked to stop does not come, and says so.
    throw internalError("an evaluation has ended early, and no rank was asked to stop");
  }
  recorder?.write();
  onProgress(done, batches.length);
  return {
    ...result,
    ...(!isClassifier(open.model) && { perplexity: Math.exp(result.loss) }),
    rows: examples.length,
    checkpoint: usedCheckpoint(open),
    notes: [...headNotes(open), ...notes],
    seconds: (performance.now() - started) / 1000,
  };
}

/** Data options need `--data`: a run's held-out rows come from its recipe, another split would contain training rows. */
function checkRequest({ data, format, maxLength, columns }: EvaluationRequest): void {
  const given =
    (format && "format (--format)") ||
    (maxLength && "maxLength (--max-length)") ||
    (columns && "columns (--columns)");
  if (data.length > 0 || !given) return;
  throw new ScaloraError("usage", `${given} needs files of examples`, {
    fix: "give some (--data)",
  });
}

/** @throws ScaloraError `usage` when the data's task has other classes than the model: its metrics would mix up labels */
function checkClasses(
  { model, baseFolder }: OpenModel,
  config: ReturnType<typeof evaluationDataConfig>,
): void {
  const classes = config && glueClassNames(config);
  if (classes === undefined || !isClassifier(model)) return;
  const { labels } = model.info;
  const unnamed = labels.length === classes.length && labels.every((label) => /^LABEL_\d+$/.test(label));
  if (unnamed || (labels.length === classes.length && labels.every((label, i) => label === classes[i])))
    return;
  throw new ScaloraError("usage", "The model's classes are not those of the data's task", {
    where: baseFolder,
    expected: classes.join(", "),
    found: labels.join(", "),
    fix: "evaluate on data of the task that the model was trained for",
  });
}

/** A newly initialised head gives meaningless scores. */
function headNotes({ model, adapters }: OpenModel): string[] {
  if (adapters !== undefined || !isClassifier(model) || model.info.newlyInitialized.length === 0) return [];
  return [`untrained, randomly initialised: ${model.info.newlyInitialized.join(", ")}`];
}

/** The data config of an evaluation: the request's files, or else the run's own data. */
function evaluationDataConfig(
  { data, format, maxLength, columns }: EvaluationRequest,
  { recipe }: OpenModel,
) {
  if (data.length === 0) return recipe?.data;
  return {
    ...(recipe && rowFormat(recipe.data)),
    train: data.map((path) => ({ path })),
    eval: "none" as const,
    ...(format !== undefined && { format }),
    ...(maxLength !== undefined && { maxLength }),
    ...(columns && { columns }),
  };
}

async function examplesFor(
  config: DataConfig | undefined,
  request: EvaluationRequest,
  open: OpenModel,
  signal: AbortSignal,
): Promise<{ examples: readonly Example[]; notes: readonly string[] }> {
  const { model, tokenizer } = open;
  if (config === undefined || request.data.length === 0)
    return { examples: await requireHeldOutRows(request, open), notes: [] };
  const { examples, report } = await loadExamples(config, tokenizer, {
    maxLength: model.info.maxPositions,
    ...classesOf(model),
    signal,
  });
  return { examples, notes: rowNotes(report) };
}

async function requireHeldOutRows({ target }: EvaluationRequest, open: OpenModel) {
  const rows = await heldOutRows(open);
  if (typeof rows !== "string") return rows;
  throw new ScaloraError("usage", "There is nothing to evaluate on", {
    where: target.path,
    found: rows,
    fix: "give files of examples (--data); in a program rows too",
  });
}

/** The row settings of a run's recipe, which also apply to the request's files. */
function rowFormat({ format, columns, render, separator, maxLength, tooLong }: DataConfig) {
  return {
    ...(format && { format }),
    ...(columns && { columns }),
    ...(render && { render }),
    ...(separator !== undefined && { separator }),
    ...(maxLength !== undefined && { maxLength }),
    ...(tooLong && { tooLong }),
  };
}
