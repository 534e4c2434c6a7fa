import type { ModelTarget } from "../assemble/model-target.ts";
import type { Interruptible } from "../util/interruptible.ts";

export interface ExportRequest {
  target: ModelTarget;
  /** The folder or file to make; it must not exist. */
  out: string;
  /**
   * `merged`: a whole model folder; `adapter`: the trained adapter as it is (methods that leave the base alone);
   * `svd`: the accumulated change of each layer as an adapter of `rank`, or of the rank that keeps `energy`.
   */
  kind: "merged" | "adapter" | "svd";
  /** `folder`, the default: as transformers and PEFT load it; `gguf`: one file, as llama.cpp and what is built on it do. */
  format?: "folder" | "gguf" | undefined;
  /** Of a merged model; `float16` and `q8_0` in a GGUF file only. */
  dtype?: "float32" | "float16" | "bfloat16" | "q8_0" | undefined;
  rank?: number | undefined;
  /** Share of the squared Frobenius norm to keep, in (0, 1]. */
  energy?: number | undefined;
}

export interface ExportResult {
  out: string;
  kind: ExportRequest["kind"];
  bytes: number;
  /** The base was quantised: the numbers of its codes are what the adapter was merged into, or is for. */
  base?: "nf4";
  /** Of a merged model in lower precision: relative Frobenius distance to the exact weights. */
  drift?: number;
  /** Of `svd`: the share of energy kept, over all layers, and the largest rank. */
  retainedEnergy?: number;
  rank?: number | undefined;
  /** Of `svd`: mean loss on the run's held-out rows, as of an evaluation, or why it was not measured. */
  heldOutLoss?: { trained: number; exported: number } | { notMeasured: string } | undefined;
}

/** `src/export/index.ts`. */
export type RunExport = (request: ExportRequest, hooks: Interruptible) => Promise<ExportResult>;

/** `src/export/convert.ts`: a GGUF file to a folder, which must not exist. */
export type RunConvert = (request: { path: string; out: string }) => Promise<{
  out: string;
  family: string;
  dtype: string;
  bytes: number;
}>;
