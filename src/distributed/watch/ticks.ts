// Node runs this file as it is: types that can be erased only.

/** Milliseconds from one sign of life to the next. */
const beatInterval = 500;
/** Milliseconds from one look for silence to the next: it is noticed at most so late. */
const lookInterval = 250;
/** Milliseconds that a look must be late for this process to count as suspended. A busy machine, on which it waits for less, is none. */
const suspension = 1000;

export interface Ticks {
  /** This process did not run for so many milliseconds, in which it could hear nothing. */
  readonly pause: (suspended: number) => void;
  /** Gives a sign of life. */
  readonly beat: () => void;
  /** Looks for silence, once what has come meanwhile is read: this process may be late itself. */
  readonly look: () => void;
}

/** Calls these again and again, until what is returned is called. */
export function everyTick({ pause, beat, look }: Ticks): () => void {
  let last = performance.now();
  let beaten = last;
  let looking: NodeJS.Immediate | undefined;
  const timer = setInterval(() => {
    const now = performance.now();
    const late = now - last - lookInterval;
    last = now;
    if (late > suspension) pause(late);
    if (now - beaten >= beatInterval - lookInterval / 2) {
      beaten = now;
      beat();
    }
    // The loop reads what has come before it gets there.
    looking = setImmediate(look);
  }, lookInterval);
  return () => {
    clearInterval(timer);
    clearImmediate(looking);
  };
}
