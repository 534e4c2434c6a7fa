import type { Recipe } from "../config/index.ts";
import { eventsOfType } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import {
  type GemmBackend,
  gatherTexts,
  gemmBackends,
  type ProcessGroup,
  setThreads,
} from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { finishedRun } from "./finished-run.ts";
import type { RunResult } from "./run-result.ts";
import { runPath } from "./run-settings.ts";

/** What the folder of a run says to who resumes it. */
export interface RecordedRun {
  /** Its result, where nothing is left to do. */
  readonly finished?: RunResult | undefined;
  readonly gemmBackend?: GemmBackend | undefined;
  /** Threads of its last process. */
  readonly threads?: number | undefined;
  /** The processes that the run was started with; its steps keep the micro-batches of as many. */
  readonly worldSize?: number | undefined;
}

/**
 * Reads what a run has recorded, and sets the number of threads to what it was, which changes rounding. Of several ranks the first
 * looks and tells the others: a file system that they share may show them different things.
 */
export async function readRecordedRun(recipe: Recipe, group: ProcessGroup | undefined): Promise<RecordedRun> {
  const own = !group || group.rank === 0 ? lookInto(recipe) : {};
  const recorded: RecordedRun = group
    ? JSON.parse(elementAt(await gatherTexts(group, JSON.stringify(own)), 0))
    : own;
  const { threads = 0 } = recorded;
  if (threads > 0) setThreads(threads);
  return recorded;
}

function lookInto(recipe: Recipe): RecordedRun {
  const finished = finishedRun(recipe);
  if (finished) return { finished };
  const starts = eventsOfType(readEvents(runPath(recipe)), "start");
  const environment = starts.at(-1)?.environment;
  const [first] = starts;
  return {
    gemmBackend: gemmBackends.find((name) => name === environment?.gemmBackend),
    threads: environment?.threads,
    worldSize: first && (first.environment.worldSize ?? 1),
  };
}
