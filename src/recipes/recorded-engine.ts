import { eventsOfType } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { type GemmBackend, gemmBackends, setThreads } from "../torch/index.ts";

/** What an earlier process of a run has recorded of what changes its numbers. */
export interface RecordedEngine {
  readonly gemmBackend: GemmBackend | undefined;
  /** The processes that the run was started with; its steps keep the micro-batches of as many. */
  readonly worldSize: number | undefined;
}

/**
 * Restores from a run's record what changes rounding, also when there is no checkpoint yet: sets the number of threads, and
 * returns the rest.
 */
export function useRecordedEngine(path: string): RecordedEngine {
  const starts = eventsOfType(readEvents(path), "start");
  const environment = starts.at(-1)?.environment;
  if (environment?.threads !== undefined && environment.threads > 0) setThreads(environment.threads);
  const [first] = starts;
  return {
    gemmBackend: gemmBackends.find((name) => name === environment?.gemmBackend),
    worldSize: first && (first.environment.worldSize ?? 1),
  };
}
