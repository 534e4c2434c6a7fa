import { statfsSync } from "node:fs";
import { loadRecipeData } from "../assemble/load-recipe-data.ts";
import type { Recipe } from "../config/index.ts";
import { initProcessGroup } from "../distributed/index.ts";
import { alone as oneRank } from "../distributed/launch.ts";
import { forecastRanks, type RanksForecast, type RanksQuestion } from "../forecast/forecast-ranks.ts";
import { assertCanStart, existingParent } from "../run/lock-run.ts";
import type { ProcessGroup } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatBytes } from "../util/format.ts";
import type { Interruptible } from "../util/interruptible.ts";
import type { MemoryLimit } from "./available-memory.ts";
import { measureRankCosts } from "./measure-rank-costs.ts";
import { checkpointBytes, type MemoryNeed } from "./memory-estimate.ts";
import { checkMemoryFit } from "./memory-fit.ts";
import { type PreparedRun, prepareRun } from "./prepare-run.ts";
import { type Probe, probeRun } from "./probe-run.ts";
import { requireSameRecipe } from "./require-same-run.ts";
import { assertSamplesFit, runPath, scheduleAndSettings } from "./run-settings.ts";
import { overRanks } from "./train-on-ranks.ts";
import { trainingCounts } from "./training-data.ts";

/** What a recipe would do, and what keeps it from running. */
export interface RecipeCheck {
  /** Whether the recipe would run. */
  readonly ok: boolean;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** The recipe with every default. */
  readonly recipe: Recipe;
  /** Null where the model or the data cannot be used. */
  readonly run: RunForecast | null;
}

/** What a run would be and take. */
export interface RunForecast {
  readonly steps: number;
  readonly parameters: { readonly trainable: number; readonly all: number };
  readonly data: ReturnType<typeof trainingCounts>;
  readonly memory: MemoryNeed & { readonly limit: MemoryLimit };
  readonly disk: { readonly checkpoint: number; readonly needed: number; readonly free: number };
  readonly probe: Probe | null;
  /** Null unless several ranks were asked about. */
  readonly ranks: RanksForecast | null;
}

/** Options of a check. */
export interface CheckOptions extends Interruptible {
  /** The ranks that would train together, which all check. */
  readonly group?: ProcessGroup | undefined;
  /** Several ranks that the recipe may be trained on, each with the cores of this process. */
  readonly ranks?: RanksQuestion | undefined;
}

export type CheckRecipe = (recipe: Recipe, options: CheckOptions) => Promise<RecipeCheck>;

/**
 * Tries a recipe without writing anything: loads model and data, attaches the method, compares memory and disk with what is
 * there, and trains three steps. What is wrong with different parts is reported together.
 */
export const checkRecipe: CheckRecipe = async (given, { signal, ranks, group }) => {
  const recipe = overRanks(given, group?.size ?? 1);
  const errors: string[] = [];
  const warnings: string[] = [];
  await collect(errors, () => assertCanStart(runPath(recipe)));
  const run = await collect(errors, async () => {
    if (group) await requireSameRecipe(group, given);
    const started = performance.now();
    const sharesAlone = recipe.train.shardBase && ranks !== undefined && ranks.size > 1;
    using alone = sharesAlone ? await initProcessGroup({ launch: oneRank }) : undefined;
    using prepared = await prepareRun(overRanks(recipe, ranks?.size ?? 1), {
      group: group ?? alone,
      mayShareAlone: alone !== undefined,
    });
    const loadSeconds = (performance.now() - started) / 1000;
    warnings.push(...prepared.warnings);
    const tight = await collect(errors, () => checkMemoryFit(prepared, recipe));
    if (tight !== undefined) warnings.push(tight);
    await collect(errors, () => assertSamplesFit(prepared.base.model, recipe));
    const disk = diskOf(prepared, recipe);
    if (disk.needed > disk.free) errors.push(diskError(disk, recipe).message);
    signal.throwIfAborted();
    const probe =
      errors.length > 0
        ? undefined
        : await collect(errors, () => probeRun(prepared, recipe, { signal, group }));
    const { steps, adapters, dataset, memory, memoryLimit: limit } = prepared;
    const [parameters, data] = [adapters.parameterCounts(), trainingCounts(dataset)];
    const forecast =
      probe && ranks ? await forecastOf(prepared, recipe, { probe, loadSeconds, ranks }) : undefined;
    return {
      ...{ steps, parameters, data, memory: { ...memory, limit }, disk },
      ...{ probe: probe ?? null, ranks: forecast ?? null },
    };
  });
  // A model that cannot be loaded must not hide what is wrong with the data.
  if (run === undefined) await collect(errors, () => loadRecipeData(recipe));
  const all = [...new Set(errors)];
  return { ok: all.length === 0, errors: all, warnings, recipe: given, run: run ?? null };
};

async function forecastOf(
  prepared: PreparedRun,
  recipe: Recipe,
  { probe, loadSeconds, ranks }: { probe: Probe; loadSeconds: number; ranks: RanksQuestion },
): Promise<RanksForecast> {
  const { steps } = prepared;
  const { accumulate, evalEvery, saveEvery } = scheduleAndSettings(recipe, steps).settings;
  const costs = await measureRankCosts(prepared, { probe, accumulate, loadSeconds });
  const length = {
    steps,
    evaluations: 1 + Math.ceil(steps / evalEvery),
    checkpoints: Math.ceil(steps / saveEvery),
  };
  return forecastRanks(costs, length, ranks);
}

/** The result of a task; an error that a user can mend goes to the list. */
async function collect<T>(errors: string[], task: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof ScaloraError) || error.code === "internal") throw error;
    errors.push(error.message);
    return undefined;
  }
}

/** While a checkpoint is written there are those that are kept, the best one and itself. */
function diskOf({ adapters, optimizer }: PreparedRun, { run, train }: Recipe): RunForecast["disk"] {
  const checkpoint = checkpointBytes({ adapters, optimizer });
  const { bavail, bsize } = statfsSync(existingParent(run.folder));
  return { checkpoint, needed: (train.keepLast + 2) * checkpoint, free: bavail * bsize };
}

function diskError({ checkpoint, needed, free }: RunForecast["disk"], { run, train }: Recipe): ScaloraError {
  return new ScaloraError("run", "The checkpoints do not fit onto the disk", {
    where: run.folder,
    expected: `${formatBytes(needed)}: ${train.keepLast + 2} checkpoints of ${formatBytes(checkpoint)}`,
    found: `${formatBytes(free)} free`,
    fix: "make room, choose another run.folder, or lower train.keepLast",
  });
}
