import { basename, dirname, join } from "node:path";
import type { ModelTarget } from "../assemble/model-target.ts";
import { loadPluginsOfRun, loadRecipe, type Recipe } from "../config/index.ts";
import type { SharedModel } from "../inference/shared-model.ts";
import type { RunHooks } from "../recipes/run-result.ts";
import { assertHoldsRun, lockWatchedRun } from "../run/lock-run.ts";
import { runFiles } from "../run/run-files.ts";
import { removeUnbegunRows } from "../run/unbegun-run.ts";
import { keepFreedMemory } from "../torch/index.ts";
import type { LoadingTask } from "../util/interruptible.ts";
import type { ProcessLock } from "../util/locks/process-lock.ts";
import { sayActivities } from "./activity-event.ts";
import type { Answer, EvaluateJob, GenerateJob, Job, ResumeJob, TrainJob } from "./messages.ts";
import { recipeToTrain } from "./recipe-to-train.ts";
import { RowFiles } from "./row-files.ts";
import { ScratchFolder } from "./scratch-folder.ts";

/** What the thread keeps from one job to the next. */
export interface ThreadState {
  /** Rows that have come, in parts, by their number. */
  readonly rows: Map<number, readonly string[]>;
  /** The model that generates and is evaluated, once one is. */
  model: Promise<SharedModel> | undefined;
}

interface Hooks extends LoadingTask {
  readonly state: ThreadState;
  readonly onLoaded: () => void;
  /** Called when a run's folder is locked. */
  readonly onLocked: () => void;
  /** Says a part of the answer. */
  say(answer: Answer): void;
}

/** Does what the thread is asked for, and gives the last of its answers. */
export async function doJob(job: Job, hooks: Hooks): Promise<Answer> {
  switch (job.type) {
    case "train":
      return await trainNew(job, hooks);
    case "resume":
      return await resume(job, hooks);
    case "generate":
      return await generate(job, hooks);
    case "evaluate":
      return await evaluate(job, hooks);
    case "export": {
      const { runExport } = await import("../export/run-export.ts");
      hooks.signal.throwIfAborted();
      return { type: "exported", result: await runExport(job.request, hooks) };
    }
  }
}

async function trainNew(job: TrainJob, hooks: Hooks): Promise<Answer> {
  using _activities = sayActivities((event) => hooks.say({ type: "event", event }));
  const files = new RowFiles(hooks.state.rows, job.rows);
  const { folder } = job;
  using lock = await takeLock(folder, hooks);
  using _rows = { [Symbol.dispose]: () => removeUnbegunRows(folder) };
  return await files.naming(async () => {
    removeUnbegunRows(folder);
    const recipe = await recipeToTrain(job, files.write(join(folder, runFiles.rows)));
    return await train(recipe, { ...hooks, lock });
  });
}

async function resume({ folder }: ResumeJob, hooks: Hooks): Promise<Answer> {
  using _activities = sayActivities((event) => hooks.say({ type: "event", event }));
  const config = join(folder, "config.yaml");
  assertHoldsRun(folder);
  await loadPluginsOfRun(config);
  const recipe = loadRecipe(config);
  using lock = await takeLock(folder, hooks, true);
  const moved = { ...recipe, run: { ...recipe.run, folder: dirname(folder), name: basename(folder) } };
  return await train(moved, { ...hooks, lock, resume: true });
}

/** Takes the lock of a run's folder, before anything is written there or read. */
async function takeLock(
  folder: string,
  { signal, say, onLocked }: Hooks,
  resume = false,
): Promise<ProcessLock> {
  const onWait = (message: string) => say({ type: "event", event: { type: "warning", step: 0, message } });
  const lock = await lockWatchedRun(folder, { resume, signal, onWait });
  onLocked();
  return lock;
}

async function train(
  recipe: Recipe,
  { signal, say, onLoaded, lock, resume = false }: Hooks & Pick<RunHooks, "lock" | "resume">,
): Promise<Answer> {
  const { runTraining } = await import("../recipes/run-training.ts");
  keepFreedMemory();
  const onEvent: RunHooks["onEvent"] = (event) => say({ type: "event", event });
  const hooks = { signal, onEvent, onLoaded, resume, ...(lock && { lock }) };
  return { type: "trained", result: await runTraining(recipe, hooks) };
}

async function generate(
  { target, input, settings, system }: GenerateJob,
  { state, signal, onLoaded, say }: Hooks,
): Promise<Answer> {
  const generator = await (await openOnce(state, target)).generator();
  onLoaded();
  const asked = withSystem(input, system ?? generator.systemPrompt ?? "");
  const pieces = generator.generate(asked, settings, signal);
  for (;;) {
    const { done, value } = await pieces.next();
    if (done) return { type: "generated", summary: value };
    say({ type: "text", piece: value });
  }
}

/** Messages that begin with a system message; a text stays as it is. */
function withSystem(input: GenerateJob["input"], system: string): GenerateJob["input"] {
  if (typeof input === "string" || system === "" || input[0]?.role === "system") return input;
  return [{ role: "system", content: system }, ...input];
}

/** The model in memory, opened if it is not yet; a thread has one. */
async function openOnce(state: ThreadState, target: ModelTarget): Promise<SharedModel> {
  state.model ??= import("../inference/shared-model.ts").then(({ openSharedModel }) =>
    openSharedModel(target),
  );
  try {
    return await state.model;
  } catch (error) {
    state.model = undefined;
    throw error;
  }
}

async function evaluate({ request, rows }: EvaluateJob, hooks: Hooks): Promise<Answer> {
  const { state, signal } = hooks;
  const files = new RowFiles(state.rows, rows ? { data: rows } : {});
  const { evaluate: run } = await openOnce(state, request.target);
  hooks.onLoaded();
  using scratch = rows && new ScratchFolder();
  return await files.naming(async () => {
    const data = [...request.data, ...(scratch ? Object.values(files.write(scratch.path)) : [])];
    return { type: "evaluated", result: await run({ ...request, data }, { signal, onProgress: () => {} }) };
  });
}
