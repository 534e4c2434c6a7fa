import { createHash } from "node:crypto";
import { modelIdentity } from "../assemble/model-identity.ts";
import type { OpenModel } from "../assemble/open-model.ts";
import type { Batch } from "../data/index.ts";
import { type ExampleResult, ResultLog } from "../eval/index.ts";
import { isClassifier, type SequenceClassifier } from "../nn/index.ts";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import type { EvaluationRequest } from "./evaluation-request.ts";

/** Gathers the predictions of a classifier's rows, and writes them when all are there. */
interface PredictionRecorder {
  /** @param predictions the class or number of each row of the batch */
  add(batch: Batch, predictions: Float64Array): void;
  /** Replaces the file as a whole. */
  write(): void;
}

/**
 * What records predictions into the file of a request, in the format of the tasks' results; undefined without a file.
 * @param assertHeld throws when another process writes into the file by now
 * @throws ScaloraError `usage` for a language model, whose rows have a loss and no prediction, and when the file cannot be
 *   used or holds something else
 */
export function predictionRecorder(
  { predictions: path, target }: EvaluationRequest,
  open: OpenModel,
  assertHeld: () => void,
): PredictionRecorder | undefined {
  const { model } = open;
  if (path === undefined) return undefined;
  if (!isClassifier(model))
    throw new ScaloraError("usage", "A language model predicts no label of a row", {
      where: target.path,
      fix: "leave predictions (--predictions) out, or use it with tasks (--tasks) or a classifier",
    });
  const log = new ResultLog(path, assertHeld);
  const identity = modelIdentity(open, target.adapter);
  const results: ExampleResult[] = [];
  return {
    add(batch, predictions) {
      for (const [row, predicted] of predictions.entries()) {
        const result = resultOf(model, batch, row, predicted);
        results.push({ ...result, index: results.length, key: keyOf(identity, batch, row) });
      }
    },
    write() {
      for (const { task, index, key } of results) log.find(task, index, key);
      log.replaceResults(results);
    },
  };
}

function resultOf({ info }: SequenceClassifier, batch: Batch, row: number, predicted: number) {
  const label = elementAt(batch.labels ?? [], row);
  const source = elementAt(batch.sources, row);
  if (info.regression) {
    const scores = { squaredError: (predicted - label) ** 2 };
    return { task: "regression", source, scores, expected: `${label}`, answer: `${predicted}` };
  }
  const scores = { accuracy: predicted === label ? 1 : 0 };
  const [expected, answer] = [elementAt(info.labels, label), elementAt(info.labels, predicted)];
  return { task: "classification", source, scores, expected, answer };
}

/** Hash of the model, the row's tokens and its label. */
function keyOf(identity: string, { tokens, offsets, labels }: Batch, row: number): string {
  const ids = tokens.subarray(elementAt(offsets, row), elementAt(offsets, row + 1));
  const parts = [identity, [...ids], elementAt(labels ?? [], row)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
