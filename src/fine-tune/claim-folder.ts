import { ScaloraError } from "../util/errors.ts";

/** The folders of this process's runs, by path. A run's lock comes later: its thread takes it once libtorch is loaded. */
const claims = new Map<string, FolderClaim>();

/** Whether a run of this process has the folder, or is about to make it. */
export const isClaimed = (folder: string): boolean => claims.has(folder);

/** That a run of this process has a folder, until it ends. */
export class FolderClaim implements Disposable {
  private readonly folder: string;
  /** When the run before is gone from the folder, which was cut off. */
  readonly isFree: Promise<void>;
  private leaving: Promise<void> | undefined;

  /** @throws ScaloraError `usage` where another run has the folder */
  constructor(folder: string) {
    const other = claims.get(folder);
    if (other && !other.leaving)
      throw new ScaloraError("usage", "This process is already training this run", {
        where: folder,
        expected: "one run in a folder at a time",
        found: "a run that fineTune has begun and that has not ended",
        fix: "wait for its result, stop() it, or choose another name (run.name)",
      });
    this.folder = folder;
    this.isFree = other?.leaving ?? Promise.resolve();
    claims.set(folder, this);
  }

  /** The run has ended for its program, and is gone from the folder a little later: who takes it waits for that. */
  leaveAfter(gone: Promise<void>): void {
    // What goes wrong there is said where it is waited for.
    this.leaving = gone.catch(() => {}).finally(() => this.remove());
  }

  [Symbol.dispose](): void {
    if (!this.leaving) this.remove();
  }

  private remove(): void {
    if (claims.get(this.folder) === this) claims.delete(this.folder);
  }
}
