import type { EvalEvent } from "../../run/events.ts";

/** Figures shown with a classifier's loss: its task's metrics, or else its accuracy; in [-1, 1]. */
export function metricEntries({
  accuracy,
  metrics,
}: Pick<EvalEvent, "accuracy" | "metrics">): [string, number][] {
  if (metrics !== undefined) return Object.entries(metrics);
  return accuracy === undefined ? [] : [["accuracy", accuracy]];
}

export const percent = (share: number) => (100 * share).toFixed(2);

export const perplexityText = (loss: number) => {
  const perplexity = Math.exp(loss);
  return perplexity < 1e5 ? perplexity.toFixed(2) : perplexity.toExponential(2);
};
