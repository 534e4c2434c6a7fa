const [loading, working, cutOff] = [0, 1, 2];

/**
 * How far a job is, in memory that both threads share. What only loads can be cut off in the middle of an operator, since it has
 * written nothing that stays; of cutting off and beginning to work, one is first.
 */
export class JobStage {
  /** What goes between the threads: the stage, and whether the folder of a run is locked. */
  readonly cells: Int32Array<SharedArrayBuffer>;

  constructor(cells = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))) {
    this.cells = cells;
  }

  /** Everything is loaded: from now on the job ends in its own way. @returns false when it was cut off before */
  begin(): boolean {
    return Atomics.compareExchange(this.cells, 0, loading, working) !== cutOff;
  }

  /** @returns false when it is too late for that */
  cutOff(): boolean {
    return Atomics.compareExchange(this.cells, 0, loading, cutOff) !== working;
  }

  /** The thread has locked the run's folder: if it is ended, somebody else has to free that. */
  lock(): void {
    Atomics.store(this.cells, 1, 1);
  }

  get isLocked(): boolean {
    return Atomics.load(this.cells, 1) === 1;
  }
}
