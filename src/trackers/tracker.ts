import type { RunEvent } from "../run/events.ts";

/** A value of a recipe's key as trackers show it. */
export type Setting = string | number | boolean;

/** What trackers are told about a run before its events. */
export interface TrackedRun {
  /** The run's folder. */
  readonly path: string;
  readonly name: string;
  /** 32 hexadecimal digits; the same after a resume. */
  readonly id: string;
  readonly startedAt: Date;
  /** The recipe's values by their key, `train.lr`. */
  readonly settings: ReadonlyMap<string, Setting>;
}

/** Writes the events of one run in the format of another program. Its methods throw when the files cannot be written. */
export interface Tracker {
  /** Records an event; each is recorded once, in order. */
  record(event: RunEvent, time: Date): void;
  /** Writes what is still missing in the files. */
  complete(): void;
  /** Closes the files. */
  close(): void;
}

/** Starts a tracker's files anew: what an earlier process of the run wrote is replaced. */
export type OpenTracker = (run: TrackedRun) => Tracker;
