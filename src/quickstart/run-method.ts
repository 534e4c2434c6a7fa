import { basename, join } from "node:path";
import { rankReport } from "../analysis/change-rank.ts";
import { openModel } from "../assemble/open-model.ts";
import type { TrainableModel } from "../nn/index.ts";
import { runTraining } from "../recipes/run-training.ts";
import { eventsOfType, type RankEvent, type RunEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { releaseFreeMemory } from "../torch/index.ts";
import { listCheckpoints } from "../train/checkpoints/read-checkpoint.ts";
import { checkpointFolder } from "../train/resume.ts";
import type { Interruptible } from "../util/interruptible.ts";
import type { Demo, MethodSettings } from "./demo.ts";
import { makeRecipe, type RunPaths } from "./recipe.ts";

/** The result of one method. */
export interface MethodResult {
  /** The run's folder. */
  readonly folder: string;
  readonly trainable: number;
  /** Seconds of training, including evaluations. */
  readonly seconds: number;
  /** Maximum resident memory at the end of a step, in bytes. */
  readonly memory: number;
  /** Mean rank of the accumulated change over the adapted layers. */
  readonly rank: number;
  readonly entropyRank: number;
  /** The run's events, with the ranks of its checkpoints. */
  readonly events: readonly RunEvent[];
}

/**
 * Trains with one method and computes the ranks of its accumulated change at all kept checkpoints.
 * @throws the signal's reason when it is aborted; the run has saved a checkpoint
 */
export async function runMethod(
  job: Demo,
  settings: MethodSettings,
  place: RunPaths,
  { seed, signal, onEvent }: Interruptible & { seed: number; onEvent(event: RunEvent): void },
): Promise<MethodResult> {
  const recipe = makeRecipe(job, settings, place, seed);
  const { folder, parameters, seconds } = await runTraining(recipe, { signal, onEvent });
  releaseFreeMemory();
  signal.throwIfAborted();
  const ranks = await checkpointRanks(folder, job);
  const events = [...readEvents(folder).filter(({ type }) => type !== "rank"), ...ranks];
  const last = ranks.at(-1)?.layers ?? [];
  return {
    folder,
    trainable: parameters.trainable,
    seconds,
    memory: Math.max(0, ...eventsOfType(events, "step").map((step) => step.memory)),
    rank: mean(last.map(({ rank }) => rank)),
    entropyRank: mean(last.map(({ entropyRank }) => entropyRank)),
    events,
  };
}

/** The ranks of the accumulated change at each checkpoint of a run. */
async function checkpointRanks(run: string, { compute }: Demo): Promise<RankEvent[]> {
  const checkpoints = listCheckpoints(checkpointFolder({ file: (...parts) => join(run, ...parts) }));
  const events: RankEvent[] = [];
  let original: TrainableModel | undefined;
  try {
    for (const { step, path } of checkpoints) {
      using open = await openModel({ path: run, checkpoint: basename(path), ...compute });
      if (!open.adapters) continue;
      original ??= await open.loadOriginal();
      const { layers } = rankReport(open.model, open.adapters, original);
      events.push({ type: "rank", step, layers: [...layers] });
    }
  } finally {
    original?.dispose();
    releaseFreeMemory();
  }
  return events;
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
