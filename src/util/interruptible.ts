/** What a long task reports to, and what stops it. */
export interface Interruptible {
  /** Aborted by Ctrl-C or SIGTERM: the task saves what it must, then returns or throws the signal's reason. */
  signal: AbortSignal;
}
