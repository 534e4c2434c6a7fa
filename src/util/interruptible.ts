/** A task that can be stopped by a signal. */
export interface Interruptible {
  /** Aborted by a signal or a closed output: the task saves what it must, then returns or throws the signal's reason. */
  signal: AbortSignal;
}

/** Such a task that loads much before it begins. */
export interface LoadingTask extends Interruptible {
  /** Called once all is loaded, before anything is written that stays; what it throws ends the task. */
  onLoaded?(): void;
}
