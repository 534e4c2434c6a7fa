import type { AdapterSet } from "../adapters/index.ts";
import { isWithinRankBudget, rankReport } from "../analysis/change-rank.ts";
import { type LoadedModel, loadBaseModel } from "../assemble/load-base-model.ts";
import { resolveModelConfig } from "../assemble/model-config.ts";
import { type Recipe, recipeToYaml } from "../config/index.ts";
import type { Dataset } from "../data/index.ts";
import { deviceOf, isClassifier, isSharded, type TrainableModel } from "../nn/index.ts";
import { RunProfiler } from "../profile/run-profiler.ts";
import { writeReport } from "../report/index.ts";
import {
  eventsOfType,
  type RankEvent,
  type RunEvent,
  type SampleEvent,
  type StartEvent,
} from "../run/events.ts";
import { lockWatchedRun } from "../run/lock-run.ts";
import { readEvents } from "../run/read-events.ts";
import { RunFolder } from "../run/run-folder.ts";
import { cpuCapability, type DType, torchVersion } from "../torch/index.ts";
import { RunTrackers } from "../trackers/index.ts";
import { objectiveOf } from "../train/objective.ts";
import { train } from "../train/trainer.ts";
import type { ProcessLock } from "../util/locks/process-lock.ts";
import { diskError, diskOf } from "./disk-forecast.ts";
import { samplePrompts, takeSamples } from "./generate-samples.ts";
import { checkpointBytes } from "./memory/memory-estimate.ts";
import { packageVersion } from "./package-version.ts";
import type { PreparedRun } from "./prepare-run.ts";
import type { RunHooks, RunResult, RunTraining } from "./run-result.ts";
import { assertSamplesFit, runPath } from "./run-settings.ts";
import { analysisSeconds, runReportFile, trainingSummary } from "./run-summary.ts";
import { beginOnRanks, prepareOnRanks, trainAsOtherRank } from "./train-on-ranks.ts";
import { trainingCounts } from "./training-data.ts";

/**
 * Supervised fine-tuning of a recipe: model, data, method, training, checkpoints, report. Nothing but the run's lock is
 * written before everything in the recipe has been checked. Of several ranks, which all call it, only the first writes.
 */
export async function runTraining(recipe: Recipe, hooks: Partial<RunHooks> = {}): Promise<RunResult> {
  const { group, signal = new AbortController().signal, onEvent = () => {} } = hooks;
  const train = () => trainAsRank(recipe, { ...hooks, signal, onEvent });
  return await (group ? group.together(train) : train());
}

/** `runTraining` as a part of what the ranks do together (`group.together`). */
export const trainAsRank: RunTraining = (recipe, hooks) =>
  (hooks.group?.rank ?? 0) === 0 ? trainAsFirstRank(recipe, hooks) : trainAsOtherRank(recipe, hooks);

/** A run that goes on was told when it began, and has its earlier checkpoints on the disk. */
function diskWarnings(prepared: PreparedRun, recipe: Recipe): string[] {
  const misfit = diskError(diskOf(prepared, recipe), recipe);
  return misfit
    ? [`the checkpoints do not fit onto the disk (${misfit.expected}; ${misfit.found}): ${misfit.fix}`]
    : [];
}

/** The part of the only rank, or of the first. */
const trainAsFirstRank: RunTraining = async (recipe, hooks) => {
  if (hooks.lock) return await trainLocked(recipe, hooks, hooks.lock);
  const { resume = false, signal, onEvent } = hooks;
  // Before anything is read or loaded, so that the second of two processes is refused at once.
  using lock = await lockWatchedRun(runPath(recipe), {
    resume,
    signal,
    onWait: (message) => onEvent({ type: "warning", step: 0, message }),
  });
  return await trainLocked(recipe, hooks, lock);
};

async function trainLocked(
  recipe: Recipe,
  { signal, onEvent, onLoaded, afterStep, group, resume = false, profile = false }: RunHooks,
  lock: ProcessLock,
): Promise<RunResult> {
  const recorded = await beginOnRanks(recipe, { group, resume, signal });
  if (recorded.finished) return recorded.finished;
  using shared = await prepareOnRanks(recipe, { group, resume, signal }, recorded);
  const { prepared } = shared;
  const { base, dataset, adapters, steps, identity } = prepared;
  const { model } = base;
  const sample = await makeSampler(base, recipe, dataset, signal);
  const firstSamples = await sample(0, resume ? readEvents(runPath(recipe)) : []);
  onLoaded?.();
  using folder = openRunFolder(recipe, resume, lock);
  using profiler = profile ? new RunProfiler(model, folder) : undefined;
  using trackers = openTrackers(recipe, folder, onEvent);
  const { notify, record } = eventSinks(folder, onEvent, trackers);
  const warnings = [...shared.warnings, ...(resume ? [] : diskWarnings(prepared, recipe))];
  for (const message of warnings) onEvent({ type: "warning", step: 0, message });
  const training = train({
    ...shared.options,
    run: { folder, identity },
    ...(profiler && { profiler }),
    startInfo: startInfo(recipe, prepared, group?.size),
    ...(afterStep && { afterStep: (step) => afterStep(step, base) }),
    onEvent: (event) => {
      notify(event);
      if (event.type === "start") firstSamples.forEach(record);
    },
  });
  const result = await training.catch((error: unknown) => {
    reportFailedRun(folder, recipe);
    throw error;
  });
  const events: RunEvent[] = readEvents(folder.path);
  const add = (event: RunEvent) => {
    record(event);
    events.push(event);
  };
  if (result.reason !== "stopped") {
    for (const event of await sample(result.step, events)) add(event);
    for (const event of await finalRank(recipe, { model, adapters }, result.step, events)) add(event);
  }
  writeRunReport(folder, recipe, events);
  const { taskType: task } = objectiveOf(model);
  const about = { folder: folder.path, task, totalSteps: steps, parameters: adapters.parameterCounts() };
  return {
    ...about,
    analysisSeconds: analysisSeconds(recipe, events),
    ...trainingSummary(result),
    alreadyFinished: false,
  };
}

/** Writes the page of a run. */
function writeRunReport(folder: RunFolder, recipe: Recipe, events: readonly RunEvent[]): void {
  folder.assertHeld();
  const { path, data } = runReportFile(recipe, events);
  writeReport(path, data);
}

/** Writes the page of a run that has failed; when that fails too, the caller gets the first error. */
function reportFailedRun(folder: RunFolder, recipe: Recipe): void {
  try {
    writeRunReport(folder, recipe, readEvents(folder.path));
  } catch {
    // The first error is the one to fix.
  }
}

/** The trackers of a run; a warning about one is recorded as an event. */
function openTrackers(recipe: Recipe, folder: RunFolder, onEvent: (event: RunEvent) => void): RunTrackers {
  const { record } = eventSinks(folder, onEvent);
  const warn = (message: string, step: number) => record({ type: "warning", step, message });
  return new RunTrackers({ names: recipe.run.reportTo ?? [], folder, recipe, warn });
}

/** `notify` passes an event to the caller and the trackers; `record` records it in the run's folder first. */
function eventSinks(folder: RunFolder, onEvent: (event: RunEvent) => void, trackers?: RunTrackers) {
  const notify = (event: RunEvent) => {
    onEvent(event);
    trackers?.record(event);
  };
  const record = (event: RunEvent) => {
    folder.append(event);
    notify(event);
  };
  return { notify, record };
}

/** Takes the samples of a step that the record does not hold yet: a process that was killed may have recorded the first ones. */
type Sampler = (step: number, recorded: readonly RunEvent[]) => Promise<SampleEvent[]>;

/** Makes the sampler; of a classifier, or a base that is shared out, it takes no samples. @throws ScaloraError `config` when a classifier's recipe has prompts */
async function makeSampler(
  { model, tokenizer }: LoadedModel,
  recipe: Recipe,
  dataset: Dataset,
  signal: AbortSignal,
): Promise<Sampler> {
  const { samples } = recipe.run;
  const { path } = recipe.model;
  if (isSharded(model)) return async () => [];
  if (!isClassifier(model)) {
    const prompts = await samplePrompts(samples, dataset.eval, { tokenizer, folder: path });
    return (step, recorded) => {
      const done = eventsOfType(recorded, "sample").filter((event) => event.step === step).length;
      return takeSamples({ model, tokenizer, folder: path }, prompts.slice(done), step, signal);
    };
  }
  assertSamplesFit(model, recipe);
  return async () => [];
}

/** The rank of the accumulated change, if that is cheap and not recorded yet, else none; loads the original weights again. */
async function finalRank(
  recipe: Recipe,
  { model, adapters }: { model: TrainableModel; adapters: AdapterSet },
  step: number,
  recorded: readonly RunEvent[],
): Promise<RankEvent[]> {
  const isDone = eventsOfType(recorded, "rank").some((event) => event.step === step);
  if (isDone || isSharded(model) || !isWithinRankBudget(model, adapters)) return [];
  using original = await loadBaseModel(resolveModelConfig(recipe), recipe.train.seed);
  return [{ type: "rank", step, layers: [...rankReport(model, adapters, original).layers] }];
}

function openRunFolder(recipe: Recipe, resume: boolean, lock: ProcessLock): RunFolder {
  const path = runPath(recipe);
  return resume ? RunFolder.open(path, lock) : RunFolder.create(path, recipeToYaml(recipe), lock);
}

function startInfo(
  recipe: Recipe,
  { base: { model }, dataset, adapters, optimizer, identity, memory, recompute }: PreparedRun,
  worldSize: number | undefined,
): Pick<StartEvent, "model" | "data" | "environment"> {
  const { family, layers, hiddenSize, vocabSize, dtype } = model.info;
  const { files, dropped, rejected, truncated, systemPrompt, notes } = dataset.report.train;
  return {
    model: { path: recipe.model.path, family, layers, hiddenSize, vocabSize, hash: identity.base },
    data: {
      files: files.map(({ path, sha256, format, rows: count }) => ({ path, sha256, format, rows: count })),
      hashes: { ...dataset.hashes },
      dropped: dropped.map(({ source, reason }) => ({ source, reason })),
      ...(rejected > 0 && { rejected }),
      ...trainingCounts(dataset),
      truncated,
      ...(systemPrompt && { systemPrompt: { ...systemPrompt } }),
      notes,
      labels: isClassifier(model)
        ? [...model.info.labels]
        : "completions and trained assistant turns with their EOS token; every token of plain text",
    },
    environment: {
      scalora: packageVersion(),
      libtorch: torchVersion(),
      node: process.version,
      device: deviceOf(model),
      dtype,
      ...(recipe.model.quantization === "nf4" && { quantization: "nf4" }),
      ...storedBase(recipe, dtype),
      vectorInstructions: cpuCapability(),
      estimatedMemory: Math.round(memory.total),
      ...(recompute && { recompute }),
      ...(worldSize !== undefined && { worldSize }),
      checkpointBytes: checkpointBytes({ adapters, optimizer }),
      seed: recipe.train.seed,
    },
  };
}

/** How the base weights take merges; nothing for methods without merges. */
function storedBase({ adapter: { base } }: Recipe, dtype: DType): { base?: string } {
  if (typeof base !== "string") return {};
  return { base: base === "auto" ? (dtype === "bfloat16" ? "split" : "exact") : base };
}
