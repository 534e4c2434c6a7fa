import { expect, test } from "vitest";
import { Random } from "../../src/util/random.ts";
import { InputStream } from "./input-stream.ts";
import { allTargets } from "./targets/all-targets.ts";

/** The first inputs of a target. */
function inputsOf(target: (typeof allTargets)[number], seed: number): Buffer[] {
  const stream = new InputStream(target, new Random(seed));
  return Array.from({ length: 12 }, () => Buffer.from(stream.next()));
}

test.each(allTargets)("$name: a seed gives the same inputs again, most of them not valid files", (target) => {
  const inputs = inputsOf(target, 5);
  expect(inputsOf(target, 5)).toEqual(inputs);
  expect(inputsOf(target, 6)).not.toEqual(inputs);
  const unchanged = inputs.filter((input) => target.seeds.some((seed) => input.equals(seed)));
  expect(unchanged.length).toBeLessThan(inputs.length / 2);
});
