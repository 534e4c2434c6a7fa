import { basename, relative } from "node:path";
import { isSharded } from "../nn/index.ts";
import type { CheckpointEvent } from "../run/events.ts";
import { checkMethodReport } from "../run/method-report.ts";
import * as torch from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { requireAwaited } from "../util/require-awaited.ts";
import { awaitControl, isAborted } from "./await-control.ts";
import { listCheckpoints } from "./checkpoints/read-checkpoint.ts";
import { checkpointPath, pruneCheckpoints, UnfinishedCheckpoint } from "./checkpoints/save-checkpoint.ts";
import { checkpointTensors, isWrittenTogether, saveOnRanks } from "./checkpoints/save-on-ranks.ts";
import { divergenceAtEnd, divergenceError, hasCollapsed, hasDiverged, noteLoss } from "./divergence.ts";
import { evaluateLoss } from "./evaluate.ts";
import { requireGraphs, requirePassKey } from "./graphs/require-graphs.ts";
import { StepGraphs } from "./graphs/step-graphs.ts";
import { objectiveOf } from "./objective.ts";
import { freshProgress, type Progress, recordEvaluation, type SavedState } from "./progress-state.ts";
import { DataParallel } from "./ranks/data-parallel.ts";
import { checkpointFolder, type ResumedState, resumeOnRanks } from "./resume.ts";
import { RunRecorder } from "./run-recorder.ts";
import { takeMicroBatches, trainStep } from "./step.ts";
import {
  type ResolvedSettings,
  resolveSettings,
  type TrainOptions,
  type TrainResult,
} from "./train-options.ts";
import { UnchangedParameterDetector } from "./unchanged-parameters.ts";

/** Saving by time takes at most one part in so many of it. */
const timesOfSaving = 20;

/** Parameters unchanged after this many steps are warned about. */
const changedByStep = 3;

/**
 * Trains until the steps are done, patience runs out, the signal is aborted or `control.json` asks to stop, and saves a
 * checkpoint at the end in each case. Yields to the event loop between steps. What it throws on one of several ranks ends the
 * others.
 * @throws ScaloraError `run` when a loss or gradient is not finite or the run folder cannot be written; `model`,
 * `config`, `data` or `format` when a resume does not fit; `config` when a new run finds checkpoints in its folder.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { group, adapters, model, recompute = false } = options;
  requireAwaited({ model, adapters, batches: options.batches, evalBatches: options.evalBatches });
  const isTogether = group !== undefined && group.size > 1;
  const work = async () => {
    if (isSharded(model)) checkSharded(isTogether, recompute);
    using ranks = isTogether ? new DataParallel(group, adapters, model) : undefined;
    return await new Trainer(options, ranks).run();
  };
  return await (isTogether ? group.together(work) : work());
}

/** @throws ScaloraError `usage` */
function checkSharded(isTogether: boolean, recompute: boolean): void {
  if (isTogether && recompute) return;
  throw new ScaloraError(
    "usage",
    "A base that is shared out needs the ranks that share it, and recomputation",
    {
      expected: "group: the ranks, and recompute: true",
      found: isTogether ? "recompute: false" : "no group of several ranks",
    },
  );
}

class Trainer {
  private readonly options: TrainOptions;
  private readonly settings: ResolvedSettings;
  private readonly progress: Progress = freshProgress();
  private readonly recorder: RunRecorder;
  private readonly guessLoss: number;
  private readonly ranks: DataParallel | undefined;
  private readonly graphs: StepGraphs | undefined;
  private hasSeenGradient = false;
  private hasProfile = false;
  /** Whether a checkpoint that cannot be read has been warned of. */
  private hasUnreadable = false;
  private unchangedDetector: UnchangedParameterDetector | undefined;
  private savedStep: number | undefined;
  /** When the last checkpoint was saved, or training began, and how long that took, in milliseconds. */
  private lastSave = { at: performance.now(), took: 0 };
  private gemmBackend: torch.GemmBackend;
  private clock = performance.now();

  constructor(options: TrainOptions, ranks: DataParallel | undefined) {
    this.options = options;
    this.ranks = ranks;
    this.settings = resolveSettings(options.settings);
    this.guessLoss = objectiveOf(options.model).guessLoss;
    this.gemmBackend = options.gemmBackend ?? "aten";
    this.recorder = new RunRecorder(options, this.settings, this.progress);
    const { cudaGraphs, model, group } = options;
    const warn = (message: string) => this.warn(message);
    this.graphs = cudaGraphs ? new StepGraphs(requireGraphs(model, group?.size), warn) : undefined;
    if (cudaGraphs) requirePassKey(options.adapters);
  }

  async run(): Promise<TrainResult> {
    // A refused resume leaves the run's record unchanged.
    const resumed = this.options.resume ? await resumeOnRanks(this.options, this.ranks) : undefined;
    const abandon = (exitCode: number) => this.recorder.abandon(exitCode);
    // Before the handler that releases the run's lock: without that nothing is written.
    process.prependOnceListener("exit", abandon);
    try {
      this.begin(resumed);
      await this.ranks?.requireEqual(this.progress.step);
      const { reason, message } = await this.loop();
      this.reportProfile(true);
      this.graphs?.warnIfRarelyReplayed();
      const divergence = reason === "stopped" ? undefined : divergenceAtEnd(this.progress, this.guessLoss);
      const collapsed = divergence !== undefined && hasCollapsed(this.progress, this.guessLoss);
      if (divergence !== undefined && this.progress.step > (resumed?.progress.step ?? 0))
        this.warn(`the run ${collapsed ? "collapsed" : "ended worse than it began"}: ${divergence}`);
      // A launcher may take the end of a rank that was asked to stop for a failure, and end the first before it has saved.
      if (reason === "stopped") await this.ranks?.group.barrier();
      this.recorder.end(reason, message);
      return { ...this.result(reason), divergence, collapsed };
    } catch (error) {
      this.recorder.fail(error);
      throw error;
    } finally {
      process.off("exit", abandon);
      this.graphs?.dispose();
    }
  }

  private begin(resumed: ResumedState | undefined): void {
    const { options, progress, recorder } = this;
    this.recorder.writeStatus("starting");
    if (resumed) {
      Object.assign(progress, resumed.progress);
      this.savedStep = progress.step;
      this.gemmBackend = resumed.gemmBackend;
      recorder.emit({ type: "resume", step: progress.step, checkpoint: resumed.checkpoint });
      for (const message of resumed.warnings) this.warn(message);
    } else if (options.resume) this.warn("the run has no checkpoint: it restarts from its first step");
    else this.refuseOverwriting();
    if (options.startInfo)
      recorder.emit({
        type: "start",
        task: objectiveOf(options.model).taskType,
        step: progress.step,
        totalSteps: this.settings.steps,
        method: options.adapters.method,
        parameters: options.adapters.parameterCounts(),
        ...options.startInfo,
        environment: { ...options.startInfo.environment, ...this.engineState() },
      });
    if (progress.step === 0)
      this.unchangedDetector = new UnchangedParameterDetector(options.adapters.trainables());
    this.clock = performance.now();
    this.lastSave = { at: this.clock, took: 0 };
  }

  private refuseOverwriting(): void {
    const folder = this.checkpointsPath();
    if (folder === undefined || listCheckpoints(folder).length === 0) return;
    throw new ScaloraError("config", "The run's folder holds checkpoints of an earlier run", {
      where: folder,
      fix: "resume that run, or choose another run.name",
    });
  }

  private async loop(): Promise<{ reason: TrainResult["reason"]; message?: string }> {
    const { options, progress, settings } = this;
    for (;;) {
      await this.evaluateIfDue();
      const early = settings.patience > 0 && progress.sinceBest >= settings.patience;
      const done = progress.step >= settings.steps;
      const requests = await awaitControl(options, {
        recorder: this.recorder,
        step: progress.step,
        ranks: this.ranks,
        isDue: () => this.isSaveDue(),
        save: () => this.save("request"),
      });
      const stop = done || early ? undefined : requests.stop;
      const { checkpoint: asked, due: late } = requests;
      await this.saveIfDue({ done: done || early, stop: stop !== undefined, asked, late });
      if (done) return { reason: "finished" };
      const better = options.metrics ? "higher score" : "lower loss";
      if (early) return { reason: "early", message: `no ${better} in ${settings.patience} evaluations` };
      if (stop !== undefined) return { reason: "stopped", message: stop };
      await this.stopIfDiverged();
      await this.step();
      await this.callAfterStep();
    }
  }

  /** @throws ScaloraError `run` after saving, when the run has diverged and is to stop then */
  private async stopIfDiverged(): Promise<void> {
    const { progress } = this;
    if (!this.settings.stopOnDivergence || !hasDiverged(progress, this.guessLoss)) return;
    await this.save("stop");
    throw divergenceError(progress, this.guessLoss);
  }

  private async step(): Promise<void> {
    const { options, progress, recorder, settings } = this;
    const started = performance.now();
    const step = progress.step + 1;
    options.profiler?.beforeStep(step, settings.steps);
    const microBatches = await takeMicroBatches(options.batches, settings.accumulate);
    const { event, observation, ...report } = await trainStep(
      {
        ...options,
        ranks: this.ranks,
        graphs: this.graphs,
        clip: settings.clip,
        dropout: options.generators?.get("dropout"),
      },
      microBatches,
      step,
    );
    options.profiler?.afterStep();
    progress.step = step;
    progress.loss = report.loss;
    noteLoss(progress, report.loss, this.guessLoss);
    progress.tokens += report.tokens;
    progress.labelTokens += report.labelTokens;
    const seconds = (performance.now() - started) / 1000 - (observation?.seconds ?? 0);
    this.addElapsed();
    recorder.emit({ type: "step", step, ...report, seconds, memory: torch.residentMemory() });
    if (event)
      recorder.emit({ type: "method", step, report: checkMethodReport(options.adapters.method, event) });
    if (observation) recorder.emit({ type: "analysis", step, ...observation });
    this.reportProfile(false);
    if (report.gradNorm > 0) this.hasSeenGradient = true;
    if (step === changedByStep) this.checkChanged();
  }

  private async callAfterStep(): Promise<void> {
    const { afterStep } = this.options;
    if (!afterStep) return;
    this.addElapsed();
    await afterStep(this.progress.step);
    this.clock = performance.now();
  }

  private reportProfile(hasEnded: boolean): void {
    const { profiler } = this.options;
    const event = profiler?.report(hasEnded);
    if (event) this.recorder.emit(event);
    this.hasProfile ||= event !== undefined;
    if (profiler && hasEnded && !this.hasProfile)
      this.warn("no step was profiled: training ended before the first step after those to warm up");
  }

  /** Warns about unchanged parameters. @throws ScaloraError `run` when no gradient has reached any of them */
  private checkChanged(): void {
    const unchanged = this.unchangedDetector?.unchanged() ?? [];
    this.unchangedDetector = undefined;
    if (unchanged.length === 0) return;
    const more = unchanged.length > 5 ? ` and ${unchanged.length - 5} more` : "";
    const names = unchanged.slice(0, 5).join(", ") + more;
    const { method } = this.options.adapters;
    if (!this.hasSeenGradient)
      throw new ScaloraError("run", `No gradient has reached the parameters of method ${method}`, {
        where: `adapter.method: ${method}, step ${this.progress.step}`,
        found: `gradients of 0 in ${changedByStep} steps: ${names}`,
        fix: "the layers must compute with these parameters, and autograd add to the tensors that `grad` names",
      });
    this.warn(`unchanged after ${changedByStep} steps by method ${method}: ${names}`);
  }

  private warn(message: string): void {
    this.recorder.emit({ type: "warning", step: this.progress.step, message });
  }

  private async evaluateIfDue(): Promise<void> {
    const { options, progress, settings } = this;
    const { step } = progress;
    const due = step % settings.evalEvery === 0 || step >= settings.steps;
    if (!options.evalBatches || !due || progress.lastEval?.step === step) return;
    const started = performance.now();
    const evaluation = await evaluateLoss(options.model, options.evalBatches, {
      stopping: () => isAborted(options),
      ...(options.metrics && { metrics: options.metrics }),
      ...(options.scoredBy && { scoredBy: options.scoredBy }),
      group: this.ranks?.group,
    });
    if (!evaluation) return;
    const { best } = recordEvaluation(progress, evaluation);
    const seconds = (performance.now() - started) / 1000;
    this.addElapsed();
    this.recorder.emit({ type: "eval", step, ...evaluation, best, seconds });
  }

  /** Whether the last checkpoint is longer ago than the settings say, and long ago for the time that it took to save. */
  private isSaveDue(): boolean {
    const { at, took } = this.lastSave;
    const wait = Math.max(1000 * this.settings.saveSeconds, timesOfSaving * took);
    return this.progress.step > 0 && performance.now() - at >= wait;
  }

  private async saveIfDue(due: Record<"done" | "stop" | "asked" | "late", boolean>): Promise<void> {
    const { step, best } = this.progress;
    if (due.done) await this.save("end");
    else if (due.stop) await this.save("stop");
    else if (due.asked) await this.save("request");
    else if (step > 0 && best?.step === step) await this.save("best");
    else if (due.late || (step > 0 && step % this.settings.saveEvery === 0)) await this.save("interval");
  }

  /** Saves a checkpoint, unless the step has one; of several ranks the first does, once all have compared what they hold, and the
   * others write what only they hold. */
  private async save(reason: CheckpointEvent["reason"]): Promise<void> {
    if (this.savedStep === this.progress.step) return;
    const began = performance.now();
    await this.ranks?.requireEqual(this.progress.step);
    this.savedStep = this.progress.step;
    const { ranks } = this;
    const { adapters } = this.options;
    const begun = this.beginCheckpoint();
    if (ranks && isWrittenTogether(adapters)) await saveOnRanks(ranks, adapters, begun);
    else begun?.finish();
    this.recordCheckpoint(reason);
    const at = performance.now();
    this.lastSave = { at, took: at - began };
  }

  /** Begins the checkpoint of the step, unless it is there already or this process has no run. */
  private beginCheckpoint(): UnfinishedCheckpoint | undefined {
    const { options, progress } = this;
    const folder = this.checkpointsPath();
    if (!options.run || folder === undefined) return undefined;
    const { folder: run, identity } = options.run;
    return torch.scope(() =>
      UnfinishedCheckpoint.begin(
        folder,
        {
          step: progress.step,
          evalLoss: progress.lastEval?.step === progress.step ? progress.lastEval.loss : undefined,
          identity,
          tensors: {
            adapters: checkpointTensors(options.adapters),
            optimizer: options.optimizer.state(),
            generators: new Map([...(options.generators ?? [])].map(([name, g]) => [name, g.state()])),
          },
          state: this.savedState(),
        },
        () => run.assertHeld(),
      ),
    );
  }

  private recordCheckpoint(reason: CheckpointEvent["reason"]): void {
    const { options, progress, settings } = this;
    const folder = this.checkpointsPath();
    if (!options.run || folder === undefined) return;
    const { folder: run } = options.run;
    const assertHeld = () => run.assertHeld();
    const path = checkpointPath(folder, progress.step);
    const [unreadable] = pruneCheckpoints(folder, settings.keepLast, progress.best?.step, assertHeld);
    this.addElapsed();
    const shown = relative(run.path, path);
    this.recorder.emit({ type: "checkpoint", step: progress.step, path: shown, reason });
    if (unreadable !== undefined && !this.hasUnreadable)
      this.warn(`${basename(unreadable.path)} is kept, because it cannot be read: ${unreadable.reason}`);
    this.hasUnreadable ||= unreadable !== undefined;
  }

  private savedState(): SavedState {
    this.addElapsed();
    return {
      version: 2,
      ...this.progress,
      engine: this.engineState(),
      batches: this.options.batches.state(),
      counters: this.options.adapters.counters(),
    };
  }

  /** The settings in use that change rounding. */
  private engineState(): SavedState["engine"] {
    return { threads: torch.threads(), gemmBackend: this.gemmBackend };
  }

  /** Adds the time since the last call to the run's total. */
  private addElapsed(): void {
    const now = performance.now();
    this.progress.seconds += (now - this.clock) / 1000;
    this.clock = now;
  }

  private checkpointsPath(): string | undefined {
    return this.options.run && checkpointFolder(this.options.run.folder);
  }

  private result(reason: TrainResult["reason"]): Omit<TrainResult, "divergence" | "collapsed"> {
    const folder = this.checkpointsPath();
    const saved = folder === undefined ? [] : listCheckpoints(folder);
    const pathOf = (saveStep: number | undefined) => saved.find((entry) => entry.step === saveStep)?.path;
    const { step, loss, firstEval, lastEval, best, tokens, labelTokens, seconds } = this.progress;
    return {
      reason,
      step,
      loss,
      firstEval,
      lastEval,
      best,
      tokens,
      labelTokens,
      seconds,
      checkpoint: pathOf(step),
      bestCheckpoint: pathOf(best?.step),
    };
  }
}
