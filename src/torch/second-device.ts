import { native } from "../native/load.ts";

/**
 * Creates a second device that needs no hardware (native/binding/second_device.cpp): it stands for a GPU in tests, and in forecasts
 * where there is none. Its tensors are in host memory and its operators are the CPU's, but as with a GPU, an operator refuses its
 * tensors together with the CPU's.
 * @returns its name
 */
export function useSecondDevice(): string {
  return native().useSecondDevice();
}
