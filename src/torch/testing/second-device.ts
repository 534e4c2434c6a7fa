import { native } from "../../native/load.ts";

/**
 * Creates a second device that needs no hardware (native/binding/second_device.cpp). As with a GPU, an operator refuses its tensors
 * together with the CPU's.
 * @returns its name
 */
export function useSecondDevice(): string {
  return native().useSecondDevice();
}
