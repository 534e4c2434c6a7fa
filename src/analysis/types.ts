import type { Interruptible } from "../util/interruptible.ts";
import type { AnalysisRecord } from "./analysis-record.ts";

export interface AnalysisRequest {
  /** A run's folder. */
  path: string;
  /** A pattern of layers; all by default. */
  layers?: string;
  /** The page to write; default `analysis.html` in the run's folder. */
  out?: string;
}

export interface AnalysisResult {
  run: string;
  method: string;
  /** What the last checkpoint has changed, exactly. */
  end: {
    step: number;
    rank: number;
    entropyRank: number;
    layers: { path: string; rank: number; entropyRank: number }[];
    seconds: number;
  };
  /** What the run recorded on its way. */
  records: AnalysisRecord[];
  /** What recording took; null where nothing was recorded. */
  cost: { records: number; seconds: number; share: number | null } | null;
  /** How to record what is missing. */
  hint: string | null;
  report: string;
}

/** `src/analysis`. */
export type RunAnalyze = (request: AnalysisRequest, hooks: Interruptible) => Promise<AnalysisResult>;
