import type { Json } from "../util/json.ts";

/** What is learnt: the next token, the class of a sequence, or a number. */
export type TaskType = "causal-lm" | "classification" | "regression";

/** What is known of a run when its first step is about to begin. */
export interface StartEvent {
  type: "start";
  /** Absent in runs of older versions: causal-lm. */
  task?: TaskType;
  /** Steps already done: 0, or the checkpoint's when the run goes on. */
  step: number;
  totalSteps: number;
  model: {
    path: string;
    family: string;
    layers: number;
    hiddenSize: number;
    vocabSize: number;
    /** Of the weights as they were loaded (`hashModel`); absent in runs of older versions. */
    hash?: string;
  };
  method: string;
  parameters: { trainable: number; all: number };
  /** Rows, tokens, files with hashes, dropped rows: as the data loader reports them. */
  data: Json;
  /** Versions, libtorch, device, precision, GEMM backend, threads, seeds. */
  environment: { [name: string]: Json };
}

/** One optimiser step. */
export interface StepEvent {
  type: "step";
  step: number;
  /** Mean over the labels of the whole accumulation window: cross entropy in nats, or of a regression squared error. */
  loss: number;
  lr: number;
  /** Global gradient norm before clipping. */
  gradNorm: number;
  clipped: boolean;
  tokens: number;
  /** Labels: tokens, or rows of a classification. */
  labelTokens: number;
  /** Duration of the step in seconds, evaluation and checkpoints not included. */
  seconds: number;
  /** Resident memory in bytes; on a GPU, the device memory in use. */
  memory: number;
}

export interface EvalEvent {
  type: "eval";
  step: number;
  /** Mean over the labels of the held-out set, as of a step. */
  loss: number;
  labelTokens: number;
  /** Of a classification: the share of rows that get the right class. */
  accuracy?: number;
  /** Of a task's data: its metrics by name, and their mean. */
  metrics?: { readonly [name: string]: number };
  score?: number;
  /** Whether it is the best so far: the highest score, or the lowest loss where there is none. */
  best: boolean;
  seconds: number;
}

/** What a method's hook did at a step (a ScaLoRA scaling event): plain numbers, named by the method. */
export interface MethodEvent {
  type: "method";
  step: number;
  report: { readonly [name: string]: Json };
}

/** Rank of the accumulated change, per adapted layer. */
export interface RankEvent {
  type: "rank";
  step: number;
  /** `rank`: singular values above 1e-2 of the largest; `entropyRank`: exp of the entropy of their squares. */
  layers: { path: string; rank: number; entropyRank: number }[];
}

/** What the analysis of a run saw at a step (`run.analysis`). */
export interface AnalysisEvent {
  type: "analysis";
  step: number;
  /** What looking took: a part of the run's time, not of the step's. */
  seconds: number;
  layers: readonly LayerAnalysis[];
}

/** One adapted layer at an analysed step; docs/analysis.md says what each figure means. */
export interface LayerAnalysis {
  path: string;
  /** Of the accumulated change, after the step. `complete`: no singular value above the threshold was left out. */
  change: { rank: number; entropyRank: number; complete: boolean };
  /** Of the step's full gradient; `share`: of its energy in the leading 2r directions, where the method has an r. */
  gradient?: { rank: number; entropyRank: number; complete: boolean; directions?: number; share?: number };
  /** Of a scaling event. */
  scaling?: LayerScaling;
}

/** What a scaling event did to a layer, and what each policy would have done. */
export interface LayerScaling {
  branch: string;
  branches: { default: string; paper: string; scalar: string };
  /** Least, quartiles and largest of the factors of A's and B's columns; absent with policy svd. */
  alpha?: readonly number[];
  beta?: readonly number[];
  /** Distance of the weight's step to the full-gradient step −G/L, relative to ‖G/L‖. */
  distance?: { unscaled: number; chosen: number; optimum: number };
}

export interface CheckpointEvent {
  type: "checkpoint";
  step: number;
  /** Relative to the run's folder. */
  path: string;
  reason: "interval" | "best" | "end" | "stop" | "request";
}

/** A generated text, before training (step 0) or after. */
export interface SampleEvent {
  type: "sample";
  step: number;
  prompt: string;
  output: string;
}

export interface WarningEvent {
  type: "warning";
  step: number;
  message: string;
}

/** The run was paused or goes on after a pause. */
export interface PauseEvent {
  type: "pause" | "continue";
  step: number;
}

/** The run goes on from a checkpoint: events of later steps that were written before are void. */
export interface ResumeEvent {
  type: "resume";
  step: number;
  checkpoint: string;
}

export interface EndEvent {
  type: "end";
  step: number;
  /** `early`: no better evaluation within the recipe's patience. */
  reason: "finished" | "early" | "stopped" | "failed";
  message?: string;
  seconds: number;
}

/** One line of `events.jsonl`, without its time. */
export type RunEvent =
  | StartEvent
  | StepEvent
  | EvalEvent
  | MethodEvent
  | RankEvent
  | AnalysisEvent
  | CheckpointEvent
  | SampleEvent
  | WarningEvent
  | PauseEvent
  | ResumeEvent
  | EndEvent;

/** A line as it is read back; `time` is ISO 8601. */
export type RecordedEvent = RunEvent & { time: string };

export type RunState = "starting" | "running" | "paused" | "finished" | "stopped" | "failed";

/** `status.json`: where the run stands now. */
export interface RunStatus {
  state: RunState;
  method: string;
  model: string;
  step: number;
  totalSteps: number;
  /** Numbers are null until they are known. */
  loss: number | null;
  evalLoss: number | null;
  bestEvalLoss: number | null;
  /** Of a task's data: the score by which that evaluation is the best. Runs of before 0.2 lack it. */
  bestScore?: number | null;
  bestStep: number | null;
  lr: number | null;
  tokensPerSecond: number | null;
  memory: number | null;
  /** Seconds to the end as the last steps went. */
  remaining: number | null;
  /** Why it failed or stopped. */
  message: string | null;
}

/** A status as it is read back, with who wrote it and when. */
export type RecordedStatus = RunStatus & { process: ProcessIdentity; startedAt: string; updatedAt: string };

/** Names one process, also after its number has been given to another. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /** When the system started it, in its own units; null where that cannot be told. */
  startTime: string | null;
}

/** What `control.json` may ask: `{"command": "pause"}`. A pause lasts until `continue` or `stop`. */
export const controlCommands = ["pause", "continue", "stop", "checkpoint"] as const;
export type ControlCommand = (typeof controlCommands)[number];
