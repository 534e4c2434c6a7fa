import { basename, dirname, join } from "node:path";
import type { ModelTarget } from "../assemble/model-target.ts";
import { loadPluginsOfRun, loadRecipe, type Recipe } from "../config/index.ts";
import type { RunEvaluation } from "../inference/evaluation-request.ts";
import type { SharedModel } from "../inference/shared-model.ts";
import type { RunHooks } from "../recipes/run-result.ts";
import { assertHoldsRun } from "../run/lock-run.ts";
import { keepFreedMemory } from "../torch/index.ts";
import { sayActivities } from "./activity-event.ts";
import type { Answer, EvaluateJob, GenerateJob, Job, ResumeJob, TrainJob } from "./messages.ts";
import { recipeToTrain } from "./recipe-to-train.ts";
import { RowFiles } from "./row-files.ts";

/** What the thread keeps from one job to the next. */
export interface ThreadState {
  /** Rows that have come, in parts, by their number. */
  readonly rows: Map<number, readonly string[]>;
  /** The model that generates and is evaluated, once one is. */
  model: Promise<SharedModel> | undefined;
}

interface Hooks {
  readonly state: ThreadState;
  readonly signal: AbortSignal;
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
  using files = new RowFiles(hooks.state.rows, job.rows);
  return await files.naming(async () => {
    const recipe = await recipeToTrain(job, files.paths);
    return await train(files.within(recipe), hooks, (folder) => files.place(folder));
  });
}

async function resume({ folder }: ResumeJob, hooks: Hooks): Promise<Answer> {
  using _activities = sayActivities((event) => hooks.say({ type: "event", event }));
  const config = join(folder, "config.yaml");
  assertHoldsRun(folder);
  await loadPluginsOfRun(config);
  const recipe = loadRecipe(config);
  const moved = { ...recipe, run: { ...recipe.run, folder: dirname(folder), name: basename(folder) } };
  return await train(moved, { ...hooks, resume: true });
}

async function train(
  recipe: Recipe,
  { signal, say, resume = false }: Hooks & { readonly resume?: boolean },
  place: (folder: string) => Disposable = () => ({ [Symbol.dispose]() {} }),
): Promise<Answer> {
  const { runTraining } = await import("../recipes/run-training.ts");
  keepFreedMemory();
  const onEvent: RunHooks["onEvent"] = (event) => say({ type: "event", event });
  const placeData = (folder: string) => {
    say({ type: "locked" });
    return place(folder);
  };
  return { type: "trained", result: await runTraining(recipe, { signal, onEvent, placeData, resume }) };
}

async function generate(
  { target, input, settings, system }: GenerateJob,
  { state, signal, say }: Hooks,
): Promise<Answer> {
  const generator = await (await openOnce(state, target)).generator();
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

async function evaluate(job: EvaluateJob, hooks: Hooks): Promise<Answer> {
  const model = await openOnce(hooks.state, job.request.target);
  return { type: "evaluated", result: await evaluateOn(job, hooks, model.evaluate) };
}

async function evaluateOn(
  { request, rows }: EvaluateJob,
  { state, signal }: Hooks,
  evaluation: RunEvaluation,
) {
  using files = new RowFiles(state.rows, rows ? { data: rows } : {});
  const data = [...request.data, ...Object.values(files.paths)];
  return await files.naming(() => evaluation({ ...request, data }, { signal, onProgress: () => {} }));
}
