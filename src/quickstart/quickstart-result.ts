import type { RunEvent } from "../run/events.ts";
import type { Interruptible } from "../util/interruptible.ts";
import type { ConfidenceInterval } from "../util/wilson-interval.ts";

/** Progress events of the quickstart. */
export type QuickstartEvent =
  | { type: "phase"; title: string }
  | { type: "run"; method: string; event: RunEvent }
  | { type: "note"; text: string }
  | { type: "answers"; when: string; withQuestions: boolean; answers: readonly WatchedAnswer[] };

/** The model's present answer to an exercise of the test. */
export interface WatchedAnswer {
  readonly question: string;
  readonly expected: string;
  readonly text: string;
  readonly isExact: boolean;
}

/** A fraction of a test set in [0, 1], with its 95 % interval (Wilson). */
export interface FractionEstimate extends ConfidenceInterval {
  readonly value: number;
}

/** A model's result on the quickstart's test. */
export interface QuickstartScore {
  /** Number of the test's exercises that were answered. */
  count: number;
  /** Fraction of exact answers. */
  exact: FractionEstimate;
  /** Fraction of correct parts of the answers: words, or fields of records. */
  parts: FractionEstimate;
  /** Mean cross entropy per label token, in nats. */
  loss: number;
}

/** One row of the final comparison. */
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
  /** Plural names of the test's rows and of their answers' parts. */
  names: { item: string; part: string };
  /** Result of the untrained model. */
  before: QuickstartScore;
  rows: QuickstartRow[];
  samples: {
    prompt: string;
    expected: string;
    before: string;
    after: { method: string; output: string }[];
  }[];
  report: string;
  /** Path of the exported merged model. */
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
