/** A task that can be stopped by a signal. */
export interface Interruptible {
  /** Aborted by a signal or a closed output: the task saves what it must, then returns or throws the signal's reason. */
  signal: AbortSignal;
}
