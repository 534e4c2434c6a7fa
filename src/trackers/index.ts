import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { RecordedEvent, RunEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import type { RunFolder } from "../run/run-folder.ts";
import { messageOf } from "../util/errors.ts";
import { flattenKeys } from "../util/flatten.ts";
import { openMlflow } from "./mlflow.ts";
import { openTensorBoard } from "./tensorboard.ts";
import type { OpenTracker, Setting, TrackedRun, Tracker } from "./tracker.ts";
import { openWandb } from "./wandb.ts";

const openers = {
  tensorboard: openTensorBoard,
  wandb: openWandb,
  mlflow: openMlflow,
} as const satisfies Record<string, OpenTracker>;

/** The programs that a run can report to, as `run.reportTo` names them. */
export type TrackerName = keyof typeof openers;

export interface RunTrackersOptions {
  readonly names: readonly TrackerName[];
  readonly folder: RunFolder;
  /** The run's recipe, whose values become hyperparameters. */
  readonly recipe: unknown;
  /** Told once for a tracker that fails; the tracker gets no more events. */
  readonly warn: (message: string, step: number) => void;
}

/**
 * The trackers of one run. Their files are made from the run's record: when a process starts to train, they are written anew
 * from what the record holds, so that a resume repeats no step and loses none. A tracker that cannot be written never stops the run.
 */
export class RunTrackers implements Disposable {
  private readonly options: RunTrackersOptions;
  private readonly open = new Map<TrackerName, Tracker>();

  constructor(options: RunTrackersOptions) {
    this.options = options;
  }

  /** Records an event that the run's folder has recorded already. */
  record(event: RunEvent): void {
    if (event.type === "start") this.begin(event.step);
    else this.forward({ ...event, time: new Date().toISOString() });
  }

  /** Completes the files, unless another process writes them by now, and closes them. */
  [Symbol.dispose](): void {
    const isHeld = this.options.folder.isHeld();
    for (const [name, tracker] of this.open)
      this.guard(name, 0, () => {
        try {
          if (isHeld) tracker.complete();
        } finally {
          tracker.close();
        }
      });
    this.open.clear();
  }

  private begin(step: number): void {
    const { names, recipe, folder } = this.options;
    const { path } = folder;
    if (names.length === 0) return;
    const events = readEvents(path);
    const [first] = events;
    if (first === undefined) return;
    const name = basename(path);
    const run: TrackedRun = {
      path,
      name,
      id: createHash("sha256").update(`${name}\n${first.time}`).digest("hex").slice(0, 32),
      startedAt: new Date(first.time),
      settings: settingsOf(recipe),
    };
    for (const tracker of new Set(names))
      this.guard(tracker, step, () => this.open.set(tracker, openers[tracker](run)));
    for (const event of events) this.forward(event);
  }

  private forward(event: RecordedEvent): void {
    const time = new Date(event.time);
    for (const [name, tracker] of this.open) this.guard(name, event.step, () => tracker.record(event, time));
  }

  /** Runs a tracker's own code; when it fails, the tracker is given up with a warning. */
  private guard(name: TrackerName, step: number, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.open.delete(name);
      this.options.warn(`run.reportTo: ${name} gets no more of this run: ${messageOf(error)}`, step);
    }
  }
}

/** The recipe's values as trackers show them: lists as JSON. */
function settingsOf(recipe: unknown): Map<string, Setting> {
  return new Map(
    [...flattenKeys(recipe)].map(([key, value]) => [
      key,
      typeof value === "object" ? JSON.stringify(value) : value,
    ]),
  );
}
