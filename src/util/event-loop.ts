import { setImmediate } from "node:timers/promises";

/** Milliseconds for which long work may keep the event loop from turning. */
const longestBlock = 100;

/**
 * Lets the event loop turn during long work, so that signals and timers are handled.
 * @returns a function to await between parts of the work; it waits only when the last turn was a while ago
 */
export function eventLoopTurns(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < longestBlock) return;
    await setImmediate();
    last = performance.now();
  };
}
