import type { AdapterSet } from "../adapters/core/adapter-set.ts";
import type { BatchSource } from "../data/batch-source.ts";
import type { Batch } from "../data/types.ts";
import type { TrainableModel } from "../nn/classifier.ts";
import type { Optimizer, Schedule } from "../optim/index.ts";
import type { RunEvent, StartEvent } from "../run/events.ts";
import type { RunFolder } from "../run/run-folder.ts";
import type { GemmBackend, Generator, ProcessGroup } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { isWithinLimits, limitsText, type NumberLimits } from "../util/number-limits.ts";
import type { CheckpointIdentity } from "./checkpoints/checkpoint-format.ts";
import type { ComputeMetrics } from "./evaluate.ts";
import type { EvaluationRecord } from "./progress-state.ts";
import type { StepObserver } from "./step.ts";
import type { StepProfiler } from "./step-profiler.ts";

export interface TrainSettings {
  /** Optimiser steps of the whole run. */
  readonly steps: number;
  /** Micro-batches of one step, over all ranks; default 1. */
  readonly accumulate?: number;
  /** Maximum global gradient norm; 0 turns clipping off; default 1. */
  readonly clip?: number;
  /** Steps between evaluations; by default there is one before the first step and one after the last. */
  readonly evalEvery?: number;
  /** Steps between checkpoints; by default there is one after the last step. */
  readonly saveEvery?: number;
  /**
   * Seconds since the last checkpoint, whatever it was saved for, after which a step is followed by another one; by default time
   * does not matter. It is longer where saving takes more than a twentieth of it.
   */
  readonly saveSeconds?: number;
  /** Number of newest checkpoints to keep, in addition to the best one; default 2. */
  readonly keepLast?: number;
  /** Stop after this many evaluations without improvement; 0 (the default) turns early stopping off. */
  readonly patience?: number;
  /** Whether a run that diverges stops as failed, with a checkpoint; the default. */
  readonly stopOnDivergence?: boolean;
}

/** Everything that a training run uses. */
export interface TrainOptions {
  /** Its kind sets the objective: a decoder learns the next token, a classifier labels. */
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  /** Training batches, endless. */
  readonly batches: Pick<BatchSource, "next" | "state" | "restore">;
  /** Held-out batches; without them there is no evaluation, no best checkpoint, no early stop. */
  readonly evalBatches?: readonly Batch[];
  /** Metrics of the task, for classifiers: the best checkpoint is then the one with the highest score, not the lowest loss. */
  readonly metrics?: ComputeMetrics;
  /** Names of the metrics whose mean is the score; default all. */
  readonly scoredBy?: string[];
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly settings: TrainSettings;
  /** Folder for status, events and checkpoints, and the identity of the checkpoints; without it nothing is written. */
  readonly run?: { readonly folder: RunFolder; readonly identity: CheckpointIdentity };
  /**
   * The ranks that share each step's micro-batches and the held-out ones: together they give the bits that one process gives with
   * as many. All other options must be the same on every rank, but only rank 0 has a `run`, and there is no observer.
   */
  readonly group?: ProcessGroup;
  /** Resume from the newest valid checkpoint of the run; start from step 0 when there is none. */
  readonly resume?: boolean;
  /** Random generators whose state is saved in checkpoints, by name; `dropout` drives the model's own dropout. */
  readonly generators?: ReadonlyMap<string, Generator>;
  /** Whether the backward pass runs the model's blocks again, for less memory; losses and gradients stay the same, bit for bit. */
  readonly recompute?: boolean;
  /** Whether forward and backward passes are recorded as CUDA graphs: decoders in 16 bits on a GPU, without a group (docs/gpu.md). */
  readonly cudaGraphs?: boolean;
  /** The GEMM backend in use (default "aten"); a resume switches to the one that the run was started with. */
  readonly gemmBackend?: GemmBackend;
  /** Model, data and environment for the start event; threads and GEMM backend are added. */
  readonly startInfo?: Pick<StartEvent, "model" | "data" | "environment">;
  /** Abort it to stop after the current step, with a checkpoint; its reason (`SIGINT`…) goes into the events. */
  readonly signal?: AbortSignal;
  /** Analyses some of the steps; its observations are recorded as events. */
  readonly observer?: StepObserver;
  /** Looks where the time of some steps goes; what it finds is recorded as an event. */
  readonly profiler?: StepProfiler;
  /** Called after each step and what is recorded of it; the run's seconds leave its time out. */
  readonly afterStep?: (step: number) => Promise<void>;
  /** Called with every event, after it is recorded. */
  readonly onEvent?: (event: RunEvent) => void;
}

/** How a training run ended. */
export interface TrainResult {
  /** `early`: stopped by patience; `stopped`: by the signal or `control.json`. */
  readonly reason: "finished" | "early" | "stopped";
  readonly step: number;
  /** Training loss of the last step, per label; null without a step. */
  readonly loss: number | null;
  readonly firstEval: EvaluationRecord | null;
  readonly lastEval: EvaluationRecord | null;
  readonly best: EvaluationRecord | null;
  readonly tokens: number;
  readonly labelTokens: number;
  /** Over all resumes. */
  readonly seconds: number;
  /** Paths of the newest and the best checkpoint; undefined when there is none. */
  readonly checkpoint: string | undefined;
  readonly bestCheckpoint: string | undefined;
  /** What is worse at the run's end than at its beginning, in words; undefined when nothing is, or the run was stopped. */
  readonly divergence: string | undefined;
  /** Whether that is a collapse: the model only guesses, whatever its loss was before. */
  readonly collapsed: boolean;
}

export type ResolvedSettings = Required<TrainSettings>;

/** Fills in the defaults. @throws `config` naming the setting that is out of range. */
export function resolveSettings(settings: TrainSettings): ResolvedSettings {
  const { steps, accumulate = 1, clip = 1, keepLast = 2, patience = 0, stopOnDivergence = true } = settings;
  const { evalEvery = steps, saveEvery = steps } = settings;
  const numbers = { steps, accumulate, clip, evalEvery, saveEvery, keepLast, patience };
  const { saveSeconds = Number.POSITIVE_INFINITY } = settings;
  if (!(saveSeconds > 0)) throw outOfRange("saveSeconds", { above: 0 }, saveSeconds);
  for (const [key, value] of Object.entries(numbers)) {
    const limits = { whole: key !== "clip", least: key === "clip" || key === "patience" ? 0 : 1 };
    if (!isWithinLimits(value, limits)) throw outOfRange(key, limits, value);
  }
  return { ...numbers, saveSeconds, stopOnDivergence };
}

function outOfRange(key: string, limits: NumberLimits, value: number): ScaloraError {
  return new ScaloraError("config", `The training setting ${key} is out of range`, {
    expected: limitsText(limits),
    found: String(value),
  });
}
