import type { RunEvent } from "../run/events.ts";
import type { RunState } from "../run/status.ts";
import { messageOf } from "../util/errors.ts";
import { systemErrorBehind } from "../util/files.ts";
import type { Progress } from "./progress-state.ts";
import type { ResolvedSettings, TrainOptions } from "./train-options.ts";

/** Minimum milliseconds between two writes of the status file after steps. */
const statusEvery = 500;
/** Weight of the newest step in the exponential moving average of the speed. */
const emaWeight = 0.1;

/** Reports a run's progress: events to the run folder and to the caller, the status to its file. */
export class RunRecorder {
  private readonly options: TrainOptions;
  private readonly settings: ResolvedSettings;
  private readonly progress: Progress;
  private lr: number | null = null;
  private memory: number | null = null;
  private secondsPerStep: number | null = null;
  private tokensPerStep = 0;
  private statusAt = Number.NEGATIVE_INFINITY;

  constructor(options: TrainOptions, settings: ResolvedSettings, progress: Progress) {
    this.options = options;
    this.settings = settings;
    this.progress = progress;
  }

  emit(event: RunEvent): void {
    if (event.type === "step") this.noteSpeed(event.seconds, event.tokens, event.lr, event.memory);
    this.options.run?.folder.append(event);
    const soon = event.type === "step" && performance.now() - this.statusAt < statusEvery;
    if (!soon && event.type !== "end") this.writeStatus(event.type === "pause" ? "paused" : "running");
    this.options.onEvent?.(event);
  }

  writeStatus(state: RunState, message: string | null = null): void {
    const { options, progress, secondsPerStep } = this;
    this.statusAt = performance.now();
    options.run?.folder.writeStatus({
      state,
      method: options.adapters.method,
      model: options.startInfo?.model.path ?? options.model.info.family,
      step: progress.step,
      totalSteps: this.settings.steps,
      loss: progress.loss,
      evalLoss: progress.lastEval?.loss ?? null,
      bestEvalLoss: progress.best?.loss ?? null,
      bestScore: progress.best?.score ?? null,
      bestStep: progress.best?.step ?? null,
      lr: this.lr,
      tokensPerSecond: secondsPerStep === null ? null : this.tokensPerStep / secondsPerStep,
      memory: this.memory,
      remaining: secondsPerStep === null ? null : secondsPerStep * (this.settings.steps - progress.step),
      message,
    });
  }

  end(reason: "finished" | "early" | "stopped", message?: string): void {
    this.emitEnd(reason, message === undefined ? {} : { message });
    this.writeStatus(reason === "stopped" ? "stopped" : "finished", message ?? null);
  }

  /** Records why a run failed; a failure to write the record must not hide that error. */
  fail(error: unknown): void {
    const [message, systemError] = [messageOf(error), systemErrorBehind(error)];
    try {
      this.emitEnd("failed", { message, ...(systemError === undefined ? {} : { systemError }) });
      this.writeStatus("failed", message);
    } catch {
      // The caller gets the original error.
    }
  }

  /** Records that the process exits in the middle of the run, in the handler of its exit. */
  abandon(exitCode: number): void {
    const message = `the process exited without saving (exit code ${exitCode})`;
    try {
      this.emitEnd("stopped", { message });
      this.writeStatus("stopped", message);
    } catch {
      // The process is exiting: the error cannot be reported.
    }
  }

  private emitEnd(
    reason: "finished" | "early" | "stopped" | "failed",
    why: { readonly message?: string; readonly systemError?: string },
  ): void {
    const { step, seconds } = this.progress;
    this.emit({ type: "end", step, reason, seconds, ...why });
  }

  private noteSpeed(seconds: number, tokens: number, lr: number, memory: number): void {
    const first = this.secondsPerStep === null;
    const blend = (old: number, now: number) => (first ? now : old + emaWeight * (now - old));
    this.secondsPerStep = blend(this.secondsPerStep ?? 0, seconds);
    this.tokensPerStep = blend(this.tokensPerStep, tokens);
    this.lr = lr;
    this.memory = memory;
  }
}
