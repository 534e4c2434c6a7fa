import { native } from "../../native/load.ts";

/**
 * Makes a device beside the CPU that needs no hardware (native/second_device.cpp): an operator refuses tensors of both.
 * @returns its name
 */
export function useSecondDevice(): string {
  return native().useSecondDevice();
}
