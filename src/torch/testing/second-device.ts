import { native } from "../../native/load.ts";

/**
 * Creates a second device that needs no hardware (native/binding/second_device.cpp). As with a GPU, an operator refuses its tensors
 * together with the CPU's.
 * @returns its name
 */
export function useSecondDevice(): string {
  return native().useSecondDevice();
}

/**
 * The operators since the last call at which the host would have waited for a GPU in the second device's place: those that give a
 * number, a result of unknown size or a solver's verdict, and copies between host and device from memory that is not pinned.
 */
export function takeHostWaits(): string[] {
  return native().takeHostWaits();
}
