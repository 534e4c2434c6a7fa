import type { AdapterSet } from "../adapters/core/adapter-set.ts";
import type { BatchSource } from "../data/batch-source.ts";
import type { Batch } from "../data/types.ts";
import type { TrainableModel } from "../nn/classifier.ts";
import type { Optimizer, Schedule } from "../optim/index.ts";
import type { RunEvent, StartEvent } from "../run/events.ts";
import type { RunFolder } from "../run/folder.ts";
import type { GemmBackend, Generator } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { CheckpointIdentity } from "./checkpoints/format.ts";
import type { ComputeMetrics } from "./evaluate.ts";
import type { EvaluationRecord } from "./progress-state.ts";
import type { StepObserver } from "./step.ts";

export interface TrainSettings {
  /** Optimiser steps of the whole run. */
  readonly steps: number;
  /** Micro-batches of one step; default 1. */
  readonly accumulate?: number;
  /** Largest global gradient norm; 0 turns clipping off; default 1. */
  readonly clip?: number;
  /** Steps between evaluations; default only before the first step and after the last. */
  readonly evalEvery?: number;
  /** Steps between checkpoints; default only after the last. */
  readonly saveEvery?: number;
  /** Checkpoints kept beside the best one; default 2. */
  readonly keepLast?: number;
  /** Evaluations without a lower loss before the run stops; 0, the default, never stops early. */
  readonly patience?: number;
}

/** Everything that a training run works with. */
export interface TrainOptions {
  /** What it is decides what is learnt: a decoder the next token, a classifier labels. */
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  /** Training batches, endless. */
  readonly batches: Pick<BatchSource, "next" | "state" | "restore">;
  /** Held-out batches; without them there is no evaluation, no best checkpoint, no early stop. */
  readonly evalBatches?: readonly Batch[];
  /** A task's metrics, for classifiers: the best checkpoint has the highest mean of them, not the lowest loss. */
  readonly metrics?: ComputeMetrics;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly settings: TrainSettings;
  /** Where status, events and checkpoints go, and what checkpoints depend on; without it nothing is written. */
  readonly run?: { readonly folder: RunFolder; readonly identity: CheckpointIdentity };
  /** Go on from the newest valid checkpoint of the run, or start where there is none. */
  readonly resume?: boolean;
  /** Generators whose state belongs to the run, by name; `dropout` is what a model's own dropout is drawn from. */
  readonly generators?: ReadonlyMap<string, Generator>;
  /** The GEMM backend in use ("aten" where none was chosen); a resume switches to the one it was started with. */
  readonly gemmBackend?: GemmBackend;
  /** What the start event tells of model, data and environment; threads and GEMM backend are added. */
  readonly startInfo?: Pick<StartEvent, "model" | "data" | "environment">;
  /** Aborted to stop after the present step, with a checkpoint; its reason (`SIGINT`…) goes into the events. */
  readonly signal?: AbortSignal;
  /** Looks on at some steps; what it sees becomes events. */
  readonly observer?: StepObserver;
  /** Sees every event when it happens, after it is recorded. */
  readonly onEvent?: (event: RunEvent) => void;
}

/** How a training run ended. */
export interface TrainResult {
  /** `early`: stopped by patience; `stopped`: by the signal or `control.json`. */
  readonly reason: "finished" | "early" | "stopped";
  readonly step: number;
  /** Training loss of the last step, per label; null when there was none. */
  readonly loss: number | null;
  readonly firstEval: EvaluationRecord | null;
  readonly lastEval: EvaluationRecord | null;
  readonly best: EvaluationRecord | null;
  readonly tokens: number;
  readonly labelTokens: number;
  /** Over all resumes. */
  readonly seconds: number;
  /** Paths of the newest and the best checkpoint, where there are any. */
  readonly checkpoint: string | undefined;
  readonly bestCheckpoint: string | undefined;
}

export type ResolvedSettings = Required<TrainSettings>;

/** Fills the defaults. @throws `config` naming the setting that is out of range. */
export function resolveSettings(settings: TrainSettings): ResolvedSettings {
  const { steps, accumulate = 1, clip = 1, keepLast = 2, patience = 0 } = settings;
  const { evalEvery = steps, saveEvery = steps } = settings;
  const resolved = { steps, accumulate, clip, evalEvery, saveEvery, keepLast, patience };
  for (const [key, value] of Object.entries(resolved)) {
    const least = key === "clip" || key === "patience" ? 0 : 1;
    const ok = key === "clip" ? Number.isFinite(value) : Number.isSafeInteger(value);
    if (!ok || value < least)
      throw new ScaloraError("config", `The training setting ${key} is out of range`, {
        expected: `a${key === "clip" ? "" : " whole"} number ≥ ${least}`,
        found: String(value),
      });
  }
  return resolved;
}
