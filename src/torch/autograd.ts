import { native } from "../native/load.ts";
import { Tensor } from "./tensor.ts";

/** Runs `body` without recording operations for gradients. */
export function noGrad<T>(body: () => T): T {
  const before = native().setGradMode(false);
  try {
    return body();
  } finally {
    native().setGradMode(before);
  }
}

/** Whether operations are recorded for gradients, as they are outside `noGrad`. */
export function isGradEnabled(): boolean {
  return native().gradMode();
}

/** Gradients of the sum of `outputs` with respect to `inputs`; undefined where an input was not used. */
export function grad(outputs: readonly Tensor[], inputs: readonly Tensor[]): (Tensor | undefined)[] {
  const handles = native().gradients(
    outputs.map((output) => output.handle),
    inputs.map((input) => input.handle),
  );
  return handles.map((handle) => (handle === 0 ? undefined : new Tensor(handle)));
}
