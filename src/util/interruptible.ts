/** A task that can be stopped by a signal. */
export interface Interruptible {
  /** Aborted by Ctrl-C or SIGTERM: the task saves what it must, then returns or throws the signal's reason. */
  signal: AbortSignal;
}
