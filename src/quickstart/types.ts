import type { RunEvent } from "../run/events.ts";
import type { Interruptible } from "../util/interruptible.ts";

/** What the quickstart tells while it works. */
export type QuickstartEvent =
  | { type: "phase"; title: string }
  | { type: "run"; method: string; event: RunEvent }
  | { type: "note"; text: string };

/** A share of a test set in [0, 1], with its 95 % bootstrap interval over the rows. */
export interface FractionEstimate {
  value: number;
  low: number;
  high: number;
}

/** How a model fares on the quickstart's test. */
export interface QuickstartScore {
  /** Answers without a fault. */
  exact: FractionEstimate;
  /** Right parts of the answers: words, or fields of records. */
  parts: FractionEstimate;
  /** Mean cross entropy per label token, in nats. */
  loss: number;
}

/** One line of the closing comparison. */
export interface QuickstartRow extends QuickstartScore {
  method: string;
  trainable: number;
  seconds: number;
  /** Peak memory in bytes. */
  memory: number;
  /** Rank of the accumulated change, averaged over the adapted layers. */
  rank: number;
}

export interface QuickstartResult {
  /** What the test's rows and the parts of their answers are called. */
  names: { item: string; part: string };
  /** The model before it was trained. */
  before: QuickstartScore;
  rows: QuickstartRow[];
  samples: {
    prompt: string;
    expected: string;
    before: string;
    after: { method: string; output: string }[];
  }[];
  report: string;
  /** The exported merged model. */
  exported: string;
  seconds: number;
  /** How to read the comparison. */
  remark: string;
  /** Commands to try next. */
  next: string[];
}

/** `src/quickstart`: on a chat model's folder or file, else on the embedded tiny model. */
export type RunQuickstart = (
  options: { out: string; seed: number; model?: string },
  hooks: Interruptible & { onEvent(event: QuickstartEvent): void },
) => Promise<QuickstartResult>;
