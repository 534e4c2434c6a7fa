import { setImmediate, setTimeout } from "node:timers/promises";
import type { ControlCommand } from "../run/control-command.ts";
import type { RunRecorder } from "./run-recorder.ts";
import type { TrainOptions } from "./train-options.ts";

/** Milliseconds between reads of `control.json` during a pause. */
const pausePoll = 100;

export interface ControlRequests {
  /** Why the run must stop; undefined when it continues. */
  readonly stop: string | undefined;
  /** Whether a checkpoint was requested. */
  readonly checkpoint: boolean;
}

/**
 * Yields to the event loop, so that signals arrive, then executes the command in `control.json`; waits during a pause.
 * @param save saves a checkpoint that is requested during a pause
 */
export async function awaitControl(
  options: TrainOptions,
  recorder: RunRecorder,
  step: number,
  save: () => void,
): Promise<ControlRequests> {
  await setImmediate();
  let checkpoint = false;
  for (let paused = false; ; await setTimeout(pausePoll)) {
    if (options.signal?.aborted) return { stop: reasonOf(options.signal), checkpoint };
    const command = takeCommand(options, recorder, step);
    if (command === "stop") return { stop: "asked by control.json", checkpoint };
    if (command === "checkpoint" && paused) save();
    else if (command === "checkpoint") checkpoint = true;
    const before: boolean = paused;
    if (command === "pause") paused = true;
    if (command === "continue") paused = false;
    if (paused !== before) recorder.emit({ type: paused ? "pause" : "continue", step });
    if (!paused) return { stop: undefined, checkpoint };
  }
}

function takeCommand({ run }: TrainOptions, recorder: RunRecorder, step: number): ControlCommand | undefined {
  const { command, warning } = run?.folder.takeControl() ?? {};
  if (warning !== undefined) recorder.emit({ type: "warning", step, message: warning });
  return command;
}

/** Whether the caller has aborted the run; evaluations end early then. */
export const isAborted = ({ signal }: TrainOptions) => signal?.aborted === true;

/** Why the caller has aborted the run. */
function reasonOf({ reason }: AbortSignal): string {
  if (typeof reason === "string") return reason;
  // The default reason of an AbortController is an AbortError.
  return reason instanceof Error && reason.name !== "AbortError" ? reason.message : "asked by the caller";
}
