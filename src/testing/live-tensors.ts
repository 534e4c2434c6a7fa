import { afterEach, beforeEach, expect } from "vitest";
import { liveTensors } from "../torch/index.ts";

/**
 * Watches over the tensors of each test of a file, which must leave as many as it found.
 * @returns a list: what a test puts there is disposed of after it, the last first
 */
export function watchTensors(): { dispose(): void }[] {
  const made: { dispose(): void }[] = [];
  let live = 0;
  beforeEach(() => {
    live = liveTensors();
  });
  afterEach(() => {
    for (const thing of made.splice(0).reverse()) thing.dispose();
    expect(liveTensors()).toBe(live);
  });
  return made;
}
