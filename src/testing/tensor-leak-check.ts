import { afterEach, beforeEach, expect } from "vitest";
import { liveTensorCount } from "../torch/index.ts";

/**
 * Watches over the tensors of each test of a file, which must leave as many as it found.
 * @returns a list: what a test puts there is disposed of after it, the last first
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
