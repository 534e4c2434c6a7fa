import type { ProfileEvent } from "../run/profile-event.ts";

/** The parts of a step. `gradients`: their norms, which show whether all is finite; `optimizer`: clipping too. */
export type StepPhase = "data" | "method" | "forward" | "backward" | "gradients" | "optimizer";

/** Looks where the time of some steps goes, without changing the training, bit for bit. */
export interface StepProfiler {
  /** Whether it looks at the present step. */
  readonly isRecording: boolean;
  /** Called before a step takes its rows. */
  beforeStep(step: number, totalSteps: number): void;
  /** Called when a step begins another part. */
  beginPhase(phase: StepPhase): void;
  /** Called right after the step. */
  afterStep(): void;
  /**
   * Writes the profile when it is complete, and when training has ended that of the steps until then.
   * @returns what is recorded of it, once
   */
  report(hasEnded: boolean): ProfileEvent | undefined;
}
