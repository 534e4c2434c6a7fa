import type { Interruptible } from "../util/interruptible.ts";
import type { AnalysisRecord } from "./analysis-record.ts";

export interface AnalysisRequest {
  /** A run's folder. */
  path: string;
  /** Pattern of layer names; default all layers. */
  layers?: string;
  /** The page to write; default `analysis.html` in the run's folder. */
  out?: string;
}

export interface AnalysisResult {
  run: string;
  method: string;
  /** Exact ranks of the accumulated change in the last checkpoint. */
  end: {
    step: number;
    rank: number;
    entropyRank: number;
    layers: { path: string; rank: number; entropyRank: number }[];
    seconds: number;
  };
  /** Records made during the run. */
  records: AnalysisRecord[];
  /** Cost of recording; null without records. */
  cost: { records: number; seconds: number; share: number | null } | null;
  /** How to record the missing figures. */
  hint: string | null;
  report: string;
}

/** `src/analysis`. */
export type RunAnalyze = (request: AnalysisRequest, hooks: Interruptible) => Promise<AnalysisResult>;
