import type { ModelTarget } from "../assemble/model-target.ts";
import type { UsedCheckpoint } from "../assemble/used-checkpoint.ts";
import type { Fallback } from "../gguf/quantise/choose-types.ts";
import type { LoadingTask } from "../util/interruptible.ts";
import type { SystemPrompt } from "./chat-setup.ts";
import type { ExportDType } from "./gguf-file-types.ts";

export interface ExportRequest {
  target: ModelTarget;
  /** The output folder or file; it must not exist. */
  out: string;
  /**
   * `merged`: a complete model; `adapter`: the trained adapter (methods that do not change the base);
   * `svd`: the accumulated change of each layer as an adapter of `rank`, or of the rank that keeps `energy`.
   */
  kind: "merged" | "adapter" | "svd";
  /** `folder` (default): for transformers and PEFT; `gguf`: one file for llama.cpp and tools built on it. */
  format?: "folder" | "gguf" | undefined;
  /** Data type of a merged model; all but `float32` and `bfloat16` for GGUF files only. */
  dtype?: ExportDType | undefined;
  /**
   * By which the rounding errors of a quantised GGUF file are weighed: a file in llama.cpp's GGUF format, or true for one that is
   * computed on the run's training rows and written beside the model (`model.gguf`: `model.imatrix.gguf`).
   */
  imatrix?: string | true | undefined;
  rank?: number | undefined;
  /** Fraction of the squared Frobenius norm to keep, in (0, 1]. */
  energy?: number | undefined;
  /** For the programs with a GGUF file: the system message; default: that of the run's training. */
  systemPrompt?: string | undefined;
}

/** What an export has written, and how far it is from the trained model. */
export interface ExportResult {
  out: string;
  kind: ExportRequest["kind"];
  bytes: number;
  /** The run's checkpoint; undefined for a model. */
  checkpoint?: UsedCheckpoint | undefined;
  /** Set when the base was quantised: the adapter is merged into, or belongs to, its dequantised weights. */
  base?: "nf4";
  /** Merged model in lower precision: relative Frobenius error of rounding. */
  drift?: number;
  /** GGUF file: how many tensors it holds of each type. */
  tensorTypes?: Readonly<Record<string, number>>;
  /** GGUF file: tensors whose rows do not divide into the blocks of the wanted type, and what they are stored as instead. */
  fallbacks?: readonly Fallback[];
  /** The importance matrix that was used, and the tokens that it was computed on when it was computed here. */
  imatrix?: { file: string; tokens?: number };
  /** `svd`: the fraction of energy kept, over all layers, and the largest rank. */
  retainedEnergy?: number;
  rank?: number | undefined;
  /** Absent for a folder, and for a model without a chat template. */
  chat?: ChatFilesResult | undefined;
  /** Mean loss on the run's held-out rows before and after the export, or why it was not measured. */
  heldOutLoss?: { trained: number; exported: number } | { notMeasured: string } | undefined;
}

/** The files with which the model of a GGUF file is used as it was trained. */
export interface ChatFilesResult {
  /** Their paths: a program for node-llama-cpp, a Modelfile for Ollama. */
  readonly files: readonly string[];
  /** The system message that they hold; of a run's training, with how many of its chats begin with it. */
  readonly systemPrompt?: SystemPrompt | undefined;
  /** For an adapter: the model's GGUF file that they name. */
  readonly base?: string | undefined;
}

/** `src/export/run-export.ts`. */
export type RunExport = (request: ExportRequest, hooks?: Partial<LoadingTask>) => Promise<ExportResult>;

/** `src/export/convert-gguf.ts`: converts a GGUF file to a folder, which must not exist. */
export type RunConvert = (request: { path: string; out: string }) => Promise<{
  out: string;
  family: string;
  dtype: string;
  bytes: number;
}>;
