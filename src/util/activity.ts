import { channel } from "node:diagnostics_channel";

/** What a task that takes a while is doing, and how far it is. */
export interface Activity {
  /** In words: `reading model.safetensors`. */
  readonly what: string;
  readonly done?: number;
  readonly total?: number;
  /** What is counted; default pieces without a name. */
  readonly unit?: "bytes";
}

/** Subscribers hear of activities at once, also while the event loop waits for a task. */
const activities = channel("scalora:activity");

/** Says what is being done, to whoever listens. */
export function reportActivity(activity: Activity): void {
  if (activities.hasSubscribers) activities.publish(activity);
}

/** Calls a listener with every activity in this thread. @returns a function that ends that */
export function onActivity(listener: (activity: Activity) => void): () => void {
  const onMessage = (message: unknown) => {
    if (isActivity(message)) listener(message);
  };
  activities.subscribe(onMessage);
  return () => activities.unsubscribe(onMessage);
}

const isActivity = (message: unknown): message is Activity =>
  typeof message === "object" && message !== null && "what" in message && typeof message.what === "string";
