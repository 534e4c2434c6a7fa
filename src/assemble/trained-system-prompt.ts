import { dirname } from "node:path";
import { eventsOfType, type StartEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import type { OpenModel } from "./open-model.ts";

/** The system message with which most chats that a run trained on begin. */
export type TrainedSystemPrompt = NonNullable<StartEvent["data"]["systemPrompt"]>;

/** The system message of an opened run's training; undefined for a model, and where most chats had no common one. */
export function trainedSystemPrompt({
  checkpoint,
}: Pick<OpenModel, "checkpoint">): TrainedSystemPrompt | undefined {
  if (checkpoint === undefined) return undefined;
  // RUN/checkpoints/STEP
  const run = dirname(dirname(checkpoint.path));
  return eventsOfType(readEvents(run), "start").at(-1)?.data.systemPrompt;
}
