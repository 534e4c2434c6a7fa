import { evaluationBatches } from "../assemble/evaluation-batches.ts";
import { heldOutRows } from "../assemble/held-out-rows.ts";
import type { OpenModel } from "../assemble/open-model.ts";
import type { TrainableModel } from "../nn/index.ts";
import { evaluateLoss } from "../train/evaluate.ts";
import type { ExportResult } from "./export-request.ts";

/** A model that is open for a while. */
interface BorrowedModel extends Disposable {
  readonly model: TrainableModel;
}

/**
 * Measures the held-out loss of a run's model and of its export; or gives the reason, in words, why it was not measured.
 * @param openExported called only where there is something to measure
 * @throws the signal's reason when it is aborted
 */
export async function compareHeldOut(
  open: OpenModel,
  openExported: () => Promise<BorrowedModel>,
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
  using exported = await openExported();
  return { trained: await lossOf(open.model), exported: await lossOf(exported.model) };
}
