// Node runs this file as it is: types that can be erased only.

/** Milliseconds from one sign of life to the next. */
const interval = 500;

/**
 * Calls a function every half second, until what is returned is called.
 * @param tick gets the milliseconds for which this process was suspended since the last call, or could not run; usually 0
 */
export function everyTick(tick: (suspended: number) => void): () => void {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const late = now - last - interval;
    last = now;
    tick(late > interval ? late : 0);
  }, interval);
  return () => clearInterval(timer);
}
