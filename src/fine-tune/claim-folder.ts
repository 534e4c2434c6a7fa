import { ScaloraError } from "../util/errors.ts";

/** The folders of this process's runs. A run's lock comes later: its thread takes it once libtorch is loaded. */
const claimed = new Set<string>();

/** Whether a run of this process has the folder, or is about to make it. */
export const isClaimed = (folder: string): boolean => claimed.has(folder);

/**
 * Gives a folder to a run of this process, which has it until it ends.
 * @throws ScaloraError `usage` where another one has it
 */
export function claimFolder(folder: string): Disposable {
  if (claimed.has(folder))
    throw new ScaloraError("usage", "This process is already training this run", {
      where: folder,
      expected: "one run in a folder at a time",
      found: "a run that fineTune has begun and that has not ended",
      fix: "wait for its result, stop() it, or choose another name (run.name)",
    });
  claimed.add(folder);
  return { [Symbol.dispose]: () => void claimed.delete(folder) };
}
