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

/** What a scaling event told about the scale (docs/scalora.md); null where it is not known. */
export interface AnalysedEvent {
  step: number;
  rho: number | null;
  /** k */
  columnSteps: number | null;
  /** ν */
  normGrowth: number | null;
  /** E */
  growthOverNoise: number | null;
  /** Training loss of the event's step, before the event. */
  loss: number | null;
  /** Training loss of the next step, on another batch. */
  nextLoss: number | null;
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
  /** Scaling events, whether or not the run recorded analyses; means over all layers of the model. */
  events: AnalysedEvent[];
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
