import { eventsOfType, type RunEvent } from "./events.ts";
import type { MethodReport } from "./method-report.ts";

/** A scaling event with the loss that the run had then, and one step later. */
export interface ScalingEvent {
  readonly step: number;
  readonly report: MethodReport;
  /** Loss of the event's own step, before the event; undefined where the record lacks the step. */
  readonly loss: number | undefined;
  /** Loss of the step after it, of another batch; undefined after the last step. */
  readonly nextLoss: number | undefined;
}

/** The scaling events of a run, in order. */
export function scalingEvents(events: readonly RunEvent[]): ScalingEvent[] {
  const losses = new Map(eventsOfType(events, "step").map(({ step, loss }) => [step, loss]));
  return eventsOfType(events, "method")
    .filter(({ report }) => report.kind === "scaling")
    .map(({ step, report }) => ({
      step,
      report,
      loss: losses.get(step),
      nextLoss: losses.get(step + 1),
    }));
}
