import { basename, join } from "node:path";
import { rankReport } from "../analysis/change-rank.ts";
import { loadBaseModel } from "../assemble/load-base-model.ts";
import { type OpenLanguageModel, openLanguageModel } from "../assemble/open-model.ts";
import type { RunHooks } from "../recipes/run-result.ts";
import { runTraining } from "../recipes/run-training.ts";
import { eventsOfType, type RankEvent, type RunEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { releaseFreeMemory } from "../torch/index.ts";
import { chooseCheckpoint } from "../train/checkpoints/choose-checkpoint.ts";
import { listCheckpoints } from "../train/checkpoints/read-checkpoint.ts";
import { checkpointFolder } from "../train/resume.ts";
import { internalError } from "../util/errors.ts";
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

/** What `runMethod` needs beyond the run itself. */
export interface MethodHooks<T> extends Pick<RunHooks, "signal" | "onEvent" | "afterStep"> {
  readonly seed: number;
  /** Measures the run's best checkpoint, or its last one without evaluations. */
  test(open: OpenLanguageModel): Promise<T>;
}

/**
 * Trains with one method, computes the ranks of its accumulated change at all kept checkpoints, and tests the best one.
 * @throws the signal's reason when it is aborted; the run has saved a checkpoint
 */
export async function runMethod<T>(
  job: Demo,
  settings: MethodSettings,
  place: RunPaths,
  hooks: MethodHooks<T>,
): Promise<{ result: MethodResult; tested: T }> {
  const { seed, signal, onEvent, afterStep } = hooks;
  const recipe = makeRecipe(job, settings, place, seed);
  const run = await runTraining(recipe, { signal, onEvent, ...(afterStep && { afterStep }) });
  releaseFreeMemory();
  signal.throwIfAborted();
  const { ranks, tested } = await visitCheckpoints(run.folder, job, hooks);
  releaseFreeMemory();
  const events = [...readEvents(run.folder).filter(({ type }) => type !== "rank"), ...ranks];
  const last = ranks.at(-1)?.layers ?? [];
  const result = {
    folder: run.folder,
    trainable: run.parameters.trainable,
    seconds: run.seconds,
    memory: Math.max(0, ...eventsOfType(events, "step").map((step) => step.memory)),
    rank: mean(last.map(({ rank }) => rank)),
    entropyRank: mean(last.map(({ entropyRank }) => entropyRank)),
    events,
  };
  return { result, tested };
}

/** Opens each checkpoint of a run once: for the ranks of the accumulated change, and the chosen one for the test. */
async function visitCheckpoints<T>(
  run: string,
  { model, compute }: Demo,
  { test, seed }: Pick<MethodHooks<T>, "test" | "seed">,
): Promise<{ ranks: RankEvent[]; tested: T }> {
  using base = await loadBaseModel({ path: model, ...compute }, seed);
  const chosen = chooseCheckpoint(run).path;
  const ranks: RankEvent[] = [];
  const tested: T[] = [];
  for (const { step, path } of listCheckpoints(
    checkpointFolder({ file: (...parts) => join(run, ...parts) }),
  )) {
    using open = await openLanguageModel({ path: run, checkpoint: basename(path), ...compute });
    if (open.adapters)
      ranks.push({
        type: "rank",
        step,
        layers: [...rankReport(open.model, open.adapters, base).layers],
      });
    if (basename(path) === basename(chosen)) tested.push(await test(open));
  }
  const [result] = tested;
  if (result === undefined) throw internalError("the chosen checkpoint is one of the run's");
  return { ranks, tested: result };
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
