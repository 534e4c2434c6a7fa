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
    return (await evaluateLoss(model, batches, { stopping: () => signal.aborted }))?.loss;
  };
  using exported = await openExported();
  const losses = [await lossOf(open.model), await lossOf(exported.model)];
  const [before, after] = losses;
  // What was exported is there, and stays.
  if (before === undefined || after === undefined) return { notMeasured: "it was stopped" };
  return { trained: before, exported: after };
}
