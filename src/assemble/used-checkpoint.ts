import { basename } from "node:path";
import type { ChosenCheckpoint } from "../train/checkpoints/choose-checkpoint.ts";
import type { OpenModel } from "./open-model.ts";

/** The checkpoint of a run that a result is made from. */
export interface UsedCheckpoint extends Pick<ChosenCheckpoint, "choice"> {
  readonly name: string;
  /** What to know about it: the checkpoint of the run's best evaluation is missing. */
  readonly warning?: string;
}

/** The checkpoint of an opened run; undefined for a model. */
export function usedCheckpoint({ checkpoint }: Pick<OpenModel, "checkpoint">): UsedCheckpoint | undefined {
  if (checkpoint === undefined) return undefined;
  const { path, choice, warning } = checkpoint;
  return { name: basename(path), choice, ...(warning !== undefined && { warning }) };
}
