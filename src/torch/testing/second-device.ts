import { native } from "../../native/load.ts";

/**
 * The operators since the last call at which the host would have waited for a GPU in the second device's place: those that give a
 * number, a result of unknown size or a solver's verdict, and copies between host and device from memory that is not pinned.
 */
export function takeHostWaits(): string[] {
  return native().takeHostWaits();
}
