import { statfsSync } from "node:fs";
import type { Recipe } from "../config/index.ts";
import { existingParent } from "../run/lock-run.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatBytes } from "../util/format.ts";
import { checkpointBytes } from "./memory/memory-estimate.ts";
import type { PreparedRun } from "./prepare-run.ts";

/** What the checkpoints of a run take of its disk, in bytes. */
export interface DiskForecast {
  readonly checkpoint: number;
  readonly needed: number;
  readonly free: number;
}

/** While a checkpoint is written there are those that are kept, the best one and itself. */
export function diskOf(
  { adapters, optimizer }: Pick<PreparedRun, "adapters" | "optimizer">,
  { run, train }: Recipe,
): DiskForecast {
  const checkpoint = checkpointBytes({ adapters, optimizer });
  const { bavail, bsize } = statfsSync(existingParent(run.folder));
  return { checkpoint, needed: (train.keepLast + 2) * checkpoint, free: bavail * bsize };
}

/** What is wrong, where the checkpoints of a run that begins do not fit. */
export function diskError(
  { checkpoint, needed, free }: DiskForecast,
  { run, train }: Recipe,
): ScaloraError | undefined {
  if (needed <= free) return undefined;
  return new ScaloraError("run", "The checkpoints do not fit onto the disk", {
    where: run.folder,
    expected: `${formatBytes(needed)}: ${train.keepLast + 2} checkpoints of ${formatBytes(checkpoint)}`,
    found: `${formatBytes(free)} free`,
    fix: "make room, choose another run.folder, or lower train.keepLast",
  });
}
