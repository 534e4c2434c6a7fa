import type { ModelTarget } from "../assemble/model-target.ts";
import type { ExportRequest, ExportResult } from "../export/export-request.ts";
import type { EvaluationRequest, EvaluationResult } from "../inference/evaluation-request.ts";
import type { ChatMessage, GenerationSummary, SamplingSettings } from "../inference/text-generator.ts";
import type { RunResult } from "../recipes/run-result.ts";
import type { ConfigIssue } from "../schema/config-issue.ts";
import type { ErrorCode, ErrorDetails } from "../util/errors.ts";
import type { FineTuneEvent } from "./activity-event.ts";
import type { JobStage } from "./job-stage.ts";

/** A recipe as it is written, unchecked. */
export type WrittenRecipe = Readonly<Record<string, unknown>>;

/** Rows that were sent before, by their number, and what they are called in messages. */
export interface SentRows {
  readonly number: number;
  readonly name: string;
}

/** A new run. */
export interface TrainJob {
  readonly type: "train";
  readonly recipe: WrittenRecipe;
  /** Rows in the place of files, by the key of `data` that they are for. */
  readonly rows: { readonly train?: SentRows; readonly eval?: SentRows };
  readonly cwd: string;
  /** The run's folder. */
  readonly folder: string;
}

/** The rest of a run that was interrupted. */
export interface ResumeJob {
  readonly type: "resume";
  readonly folder: string;
}

/** A text to be generated. */
export interface GenerateJob {
  readonly type: "generate";
  readonly target: ModelTarget;
  readonly input: string | readonly ChatMessage[];
  readonly settings: Partial<SamplingSettings>;
  /** The system message before messages that begin with none; undefined for that of the training. */
  readonly system?: string | undefined;
}

/** A model to be evaluated. */
export interface EvaluateJob {
  readonly type: "evaluate";
  readonly request: EvaluationRequest;
  /** Rows to evaluate on, in the place of files. */
  readonly rows?: SentRows;
}

/** A model to be exported. */
export interface ExportJob {
  readonly type: "export";
  readonly request: ExportRequest;
}

/** What the thread is asked for. */
export type Job = TrainJob | ResumeJob | GenerateJob | EvaluateJob | ExportJob;

/** To the thread. */
export type Order =
  /** A part of the rows of that number, as JSON lines; null where nobody wants them any more. */
  | { readonly type: "rows"; readonly number: number; readonly text: string | null }
  | { readonly type: "job"; readonly id: number; readonly job: Job; readonly stage: JobStage["cells"] }
  /** Ends a job; one that trains saves a checkpoint first. */
  | { readonly type: "stop"; readonly id: number; readonly reason?: string | undefined };

/** What the thread says about a job: parts of what it does, then one of the last five. */
export type Answer =
  | { readonly type: "event"; readonly event: FineTuneEvent }
  | { readonly type: "text"; readonly piece: string }
  | { readonly type: "trained"; readonly result: RunResult }
  | { readonly type: "generated"; readonly summary: GenerationSummary }
  | { readonly type: "evaluated"; readonly result: EvaluationResult }
  | { readonly type: "exported"; readonly result: ExportResult }
  | { readonly type: "failed"; readonly error: SentError };

/** From the thread. `loaded`: libtorch is, or cannot be. */
export type Report = { readonly type: "loaded" } | { readonly id: number; readonly answer: Answer };

/** An error on its way between threads. */
export type SentError =
  | { readonly kind: "stopped" }
  | {
      readonly kind: "scalora";
      readonly code: ErrorCode;
      readonly message: string;
      readonly stack: string | undefined;
      readonly details: ErrorDetails;
      /** Of an error about a configuration. */
      readonly issues?: readonly ConfigIssue[];
    }
  | { readonly kind: "other"; readonly error: Error };
