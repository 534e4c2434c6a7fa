import { setImmediate, setTimeout } from "node:timers/promises";
import { type ControlCommand, controlCommands } from "../run/control-command.ts";
import { gatherNumbers } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import type { DataParallel } from "./ranks/data-parallel.ts";
import type { RunRecorder } from "./run-recorder.ts";
import type { TrainOptions } from "./train-options.ts";

/** Milliseconds between reads of `control.json` during a pause. */
const pausePoll = 100;

export interface ControlRequests {
  /** Why the run must stop; undefined when it continues. */
  readonly stop: string | undefined;
  /** Whether a checkpoint was requested. */
  readonly checkpoint: boolean;
  /** Whether one is due by the time since the last. */
  readonly due: boolean;
}

/** What belongs to the run whose requests are awaited. */
export interface ControlledRun {
  readonly recorder: RunRecorder;
  readonly step: number;
  /** The ranks that all do what rank 0's `control.json` says, and stop when any of them is aborted. */
  readonly ranks: DataParallel | undefined;
  /** Whether a checkpoint is due by time; rank 0's clock counts. */
  isDue(): boolean;
  /** Saves a checkpoint that is requested during a pause. */
  save(): Promise<void>;
}

/** Yields to the event loop, so that signals arrive, then executes the command in `control.json`; waits during a pause. */
export async function awaitControl(
  options: TrainOptions,
  { recorder, step, ranks, isDue, save }: ControlledRun,
): Promise<ControlRequests> {
  await setImmediate();
  let [checkpoint, isLate] = [false, false];
  for (let paused = false; ; await setTimeout(pausePoll)) {
    const request = { ...requestOf(options, recorder, step), due: isDue() };
    const { stop, command, due } = ranks ? await agreeOn(request, ranks) : request;
    isLate ||= due;
    if (stop !== undefined) return { stop, checkpoint, due: isLate };
    if (command === "stop") return { stop: "asked by control.json", checkpoint, due: isLate };
    if (command === "checkpoint" && paused) await save();
    else if (command === "checkpoint") checkpoint = true;
    const before: boolean = paused;
    if (command === "pause") paused = true;
    if (command === "continue") paused = false;
    if (paused !== before) recorder.emit({ type: paused ? "pause" : "continue", step });
    if (!paused) return { stop: undefined, checkpoint, due: isLate };
  }
}

interface Request {
  /** Why the caller has aborted the run. */
  readonly stop?: string;
  readonly command?: ControlCommand | undefined;
}

/** With whether a checkpoint is due. */
type TimedRequest = Request & { readonly due: boolean };

function requestOf(options: TrainOptions, recorder: RunRecorder, step: number): Request {
  if (options.signal?.aborted) return { stop: reasonOf(options.signal) };
  return { command: takeCommand(options, recorder, step) };
}

/** What all ranks do: they stop when one of them is to, and follow rank 0's command and clock. */
async function agreeOn(own: TimedRequest, ranks: DataParallel): Promise<TimedRequest> {
  const codes = [...(await gatherNumbers(ranks.group, codeOf(own)))];
  const stopping = codes.indexOf(aborted);
  if (stopping >= 0) return { stop: own.stop ?? `asked by rank ${stopping}`, due: false };
  const code = elementAt(codes, 0);
  return { command: controlCommands[(code >> 1) - 1], due: (code & 1) === 1 };
}

/** Request as a number: twice the command's place, counted from 1, or 0 without any; and 1 where a checkpoint is due. */
const codeOf = ({ stop, command, due }: TimedRequest): number => {
  if (stop !== undefined) return aborted;
  const place = command === undefined ? 0 : controlCommands.indexOf(command) + 1;
  return 2 * place + Number(due);
};

const aborted = -1;

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
