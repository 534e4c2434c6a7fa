import { afterEach, beforeEach, expect } from "vitest";
import { liveTensorCount } from "../torch/index.ts";

/**
 * Leak check: each test of a file must end with as many live tensors as it began with.
 * @returns a list: what a test adds to it is disposed after the test, in reverse order
 */
export function checkTensorLeaks(): { dispose(): void }[] {
  const made: { dispose(): void }[] = [];
  let live = 0;
  beforeEach(() => {
    live = liveTensorCount();
  });
  afterEach(() => {
    for (const thing of made.splice(0).reverse()) thing.dispose();
    expect(liveTensorCount()).toBe(live);
  });
  return made;
}
