import { eventsOfType, type RunEvent } from "../run/events.ts";

/** A run's events with its name in chart legends. */
export interface NamedRun {
  name: string;
  events: readonly RunEvent[];
}

/** The unit of the losses of runs of one task type. */
export function lossUnit(runs: readonly NamedRun[]): string {
  const tasks = runs.flatMap(({ events }) => eventsOfType(events, "start").flatMap(({ task }) => task ?? []));
  const units = {
    "causal-lm": "nats per label token",
    classification: "nats per row",
    regression: "squared error",
  };
  return units[tasks[0] ?? "causal-lm"];
}

/** Null, a gap in the line, for non-finite numbers. */
export const finiteOrNull = (value: number) => (Number.isFinite(value) ? value : null);
