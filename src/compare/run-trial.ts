import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { loadRecipe, type Recipe, recipeToYaml } from "../config/index.ts";
import { eventsOfType, type StartEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { readOptional } from "../run/run-files.ts";
import { readStatus } from "../run/status.ts";
import { ScaloraError } from "../util/errors.ts";
import { fittingThreads, usableCores } from "../util/usable-cores.ts";
import type { Candidate } from "./candidates.ts";
import type { CompareRequest } from "./compare-request.ts";
import { errorOf, type ProcessHooks } from "./run-process.ts";
import { readTaskScores, scoreTasks } from "./score-tasks.ts";
import { mean } from "./statistics.ts";
import type { TaskScoring } from "./task-scoring.ts";
import { trialOverrides } from "./trial-overrides.ts";
import { type Trial, type TrialPlan, type TrialResult, trialName } from "./trials.ts";

/** Exit code of a process with a usage or configuration error. */
const usageExitCode = 2;

/** What all trials of a comparison have in common; parallel ones share the cores. */
export function trialPlan({ recipe, set, out, jobs, command, tasks }: CompareRequest): TrialPlan {
  const threads = jobs === 1 ? undefined : Math.max(1, Math.floor(fittingThreads(usableCores()) / jobs));
  return { recipe, set, runs: join(out, "runs"), command, threads, tasks };
}

/**
 * Checks a trial before any is run.
 * @throws ConfigError when the recipe does not fit the setting; ScaloraError `config` when the trial's run exists with another
 * recipe: one table must not mix different experiments
 */
export function checkTrial(cell: Trial, plan: TrialPlan): void {
  const recipe = loadRecipe(plan.recipe, { set: trialOverrides(cell, plan) });
  assertHeldOutRows(recipe, plan);
  const wanted = recipeToYaml(recipe);
  const config = join(plan.runs, trialName(cell), "config.yaml");
  if (!existsSync(config)) return;
  const line = firstDifference(readOptional(config) ?? "", wanted);
  if (line === undefined) return;
  throw new ScaloraError("config", "The comparison's folder holds runs of another recipe", {
    where: config,
    expected: line.wanted,
    found: line.found,
    fix: "choose another folder with --out, or remove that run",
  });
}

/** Without held-out rows there is nothing to compare. */
function assertHeldOutRows({ data }: Recipe, plan: TrialPlan): void {
  if (data.eval !== undefined && data.eval !== "none") return;
  throw new ScaloraError("config", "A comparison needs held-out rows", {
    where: `${plan.recipe}: data.eval`,
    expected: "files, or a fraction of the rows such as { holdOut: 0.05 }",
    found: data.eval ?? "nothing",
  });
}

function firstDifference(found: string, wanted: string): { found: string; wanted: string } | undefined {
  if (found === wanted) return undefined;
  const [a, b] = [found.split("\n"), wanted.split("\n")];
  const i = b.findIndex((line, at) => line !== a[at]);
  return { found: a[i]?.trim() ?? "nothing", wanted: b[i]?.trim() ?? "nothing" };
}

/** The result of a trial that is done: finished and scored, or failed; undefined when it must be run, resumed or scored. */
export function readTrialResult(cell: Trial, plan: TrialPlan): TrialResult | undefined {
  const result = endedResult(cell, plan);
  return result === undefined || scoringOf(result, plan) !== undefined ? undefined : result;
}

/** The tasks on which a result's model is still to be scored. */
function scoringOf({ seed, failed, tasks }: TrialResult, plan: TrialPlan): TaskScoring | undefined {
  const isOpen = failed === null && tasks === undefined && plan.tasks?.seeds.includes(seed);
  return isOpen ? plan.tasks : undefined;
}

/**
 * Errors of the system that are no failure of a method: they come of a full or failing disk, of memory and descriptors. Others, of a
 * file that a plug-in looks for in vain, say, would come again each time.
 */
const machineErrors: ReadonlySet<string | undefined> = new Set(
  "ENOSPC EDQUOT EFBIG EIO EROFS ESTALE ENOMEM EMFILE ENFILE".split(" "),
);

/** The result of a run that has finished or failed; one that the machine has ended goes on later. */
function endedResult(cell: Trial, { runs }: TrialPlan): TrialResult | undefined {
  const folder = join(runs, trialName(cell));
  const status = readStatus(folder);
  if (status?.state !== "finished" && status?.state !== "failed") return undefined;
  const events = readEvents(folder);
  if (status.state === "failed" && machineErrors.has(eventsOfType(events, "end").at(-1)?.systemError))
    return undefined;
  const best = eventsOfType(events, "eval").findLast((event) => event.best);
  const steps = eventsOfType(events, "step");
  const layers = eventsOfType(events, "rank").at(-1)?.layers;
  const start = eventsOfType(events, "start").at(-1);
  const tasks = readTaskScores(folder);
  return {
    setting: cell.setting.name,
    ...recordedCandidate(cell.candidate),
    seed: cell.seed,
    score: best?.score ?? null,
    loss: best?.loss ?? null,
    trainable: start?.parameters.trainable ?? null,
    secondsPerStep: steps.length === 0 ? null : mean(steps.map(({ seconds }) => seconds)),
    memory: steps.length === 0 ? null : steps.reduce((most, { memory }) => Math.max(most, memory), 0),
    rank: layers === undefined ? null : layers.reduce((sum, { rank }) => sum + rank, 0) / layers.length,
    failed: status.state === "failed" ? (status.message ?? "failed") : null,
    data: start === undefined ? null : dataHash(start),
    model:
      start === undefined || start.environment.quantization !== undefined ? null : (start.model.hash ?? null),
    folder,
    ...(tasks && { tasks }),
  };
}

/** A candidate in a result; options only where some are swept. */
const recordedCandidate = ({ lr, options }: Candidate) => ({
  lr,
  ...(Object.keys(options).length > 0 && { options }),
});

/** The hashes of a run's training and held-out rows, from its start event. */
const dataHash = ({ data: { hashes } }: StartEvent) => (hashes ? `${hashes.train} ${hashes.eval}` : null);

/**
 * Runs a trial in a separate process, to isolate its memory and crashes; an interrupted run is resumed from its checkpoint.
 * Its model is scored on the plan's tasks; afterwards its checkpoints are removed: a comparison keeps results, not models. A run
 * that is refused at the start (for example for a rank above a layer's size) counts as failed, so that the other settings go ahead.
 * @param assertHeld throws when another process runs the comparison by now
 * @throws ScaloraError `run` when the process ends before the run does, or the comparison is another process's by now
 * @throws the signal's reason when it is aborted; the run has saved a checkpoint
 */
export async function runTrial(
  cell: Trial,
  plan: TrialPlan,
  { assertHeld, ...hooks }: ProcessHooks & { assertHeld: () => void },
): Promise<TrialResult> {
  const folder = join(plan.runs, trialName(cell));
  const result = endedResult(cell, plan) ?? (await train(cell, plan, folder, hooks));
  const scoring = scoringOf(result, plan);
  const tasks = scoring === undefined ? undefined : await scoreTasks(folder, scoring, plan, hooks);
  assertHeld();
  rmSync(join(folder, "checkpoints"), { recursive: true, force: true });
  return tasks === undefined ? result : { ...result, tasks };
}

async function train(
  cell: Trial,
  plan: TrialPlan,
  folder: string,
  { signal, run }: ProcessHooks,
): Promise<TrialResult> {
  const args = existsSync(join(folder, "config.yaml"))
    ? ["train", "--resume", folder]
    : ["train", plan.recipe, ...trialOverrides(cell, plan).flatMap((override) => ["--set", override])];
  const end = await run([...plan.command, ...args], plan.threads, signal);
  const result = endedResult(cell, plan);
  if (result !== undefined) return result;
  signal.throwIfAborted();
  if (end.code === usageExitCode && !existsSync(folder)) return refusedTrial(cell, folder, errorOf(end));
  throw new ScaloraError("run", "The process of a run ended before the run was finished", {
    where: folder,
    found: errorOf(end),
    fix: "fix the cause and repeat the command: finished runs are kept",
  });
}

function refusedTrial({ setting, candidate, seed }: Trial, folder: string, failed: string): TrialResult {
  const none = { score: null, loss: null, trainable: null, secondsPerStep: null, memory: null, rank: null };
  return {
    setting: setting.name,
    ...recordedCandidate(candidate),
    seed,
    ...none,
    data: null,
    model: null,
    failed,
    refused: true,
    folder,
  };
}
