import type { UsedCheckpoint } from "../../assemble/used-checkpoint.ts";
import type { Context } from "../terminal/context.ts";

/** The row of a result that names its checkpoint; none for a model. */
export const checkpointRows = (checkpoint: UsedCheckpoint | undefined): [string, string][] =>
  checkpoint === undefined ? [] : [["checkpoint", `${checkpoint.name} (${checkpoint.choice})`]];

/** Notes which checkpoint a command uses, where it prints no row of it. */
export function noteCheckpoint(context: Context, checkpoint: UsedCheckpoint | undefined): void {
  for (const row of checkpointRows(checkpoint)) context.note(row.join(": "));
  warnOfCheckpoint(context, checkpoint);
}

/** Warns that the checkpoint is not the one that was asked for. */
export function warnOfCheckpoint(context: Context, checkpoint: UsedCheckpoint | undefined): void {
  if (checkpoint?.warning !== undefined) context.note(`warning: ${checkpoint.warning}`);
}
