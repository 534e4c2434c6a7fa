import { evaluationBatches } from "../assemble/evaluation-batches.ts";
import { heldOutRows } from "../assemble/held-out-rows.ts";
import type { OpenModel } from "../assemble/open-model.ts";
import type { TrainableModel } from "../nn/index.ts";
import { evaluateLoss } from "../train/evaluate.ts";
import type { ExportResult } from "./export-request.ts";

/**
 * Measures the held-out loss of a run's model and of its export; or gives the reason, in words, why it was not measured.
 * @throws the signal's reason when it is aborted
 */
export async function compareHeldOut(
  open: OpenModel,
  exported: TrainableModel,
  signal: AbortSignal,
): Promise<ExportResult["heldOutLoss"]> {
  const rows = await heldOutRows(open);
  if (typeof rows === "string") return { notMeasured: rows };
  const batches = evaluationBatches(rows);
  const lossOf = async (model: TrainableModel) => {
    const evaluation = await evaluateLoss(model, batches, { stopping: () => signal.aborted });
    if (evaluation === undefined) throw signal.reason;
    return evaluation.loss;
  };
  return { trained: await lossOf(open.model), exported: await lossOf(exported) };
}
