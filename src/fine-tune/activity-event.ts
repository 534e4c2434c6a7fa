import type { RunEvent } from "../run/events.ts";
import { type Activity, onActivity } from "../util/activity.ts";

/** What a run is doing that takes a while, such as loading its model; not in the run's record. */
export interface ActivityEvent extends Activity {
  readonly type: "activity";
}

/** What a loop over a run gets: the events of its record, and what it is doing between them. */
export type FineTuneEvent = RunEvent | ActivityEvent;

/** Milliseconds between two events of one activity. */
const interval = 500;

/** Says what this thread is doing: every new activity, and now and then how far it is. @returns ends that */
export function sayActivities(
  say: (event: ActivityEvent) => void,
  now: () => number = () => performance.now(),
): Disposable {
  let last = { what: "", at: 0 };
  const end = onActivity((activity) => {
    if (activity.what === last.what && now() - last.at < interval) return;
    last = { what: activity.what, at: now() };
    say({ ...activity, type: "activity" });
  });
  return { [Symbol.dispose]: end };
}
