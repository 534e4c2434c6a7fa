import { expect, test } from "vitest";
import { temporaryFolder } from "../../src/testing/tiny-run.ts";
import { growth, type Sample, soak } from "./soak.ts";

test.runIf(process.platform === "linux")(
  "a run of 300 steps with evaluations and checkpoints holds no more at its end (needs /proc)",
  async () => {
    const { path, remove } = temporaryFolder();
    const samples = await soak(path, 300, 20);
    remove();
    expect(samples).toHaveLength(15);
    const { last } = growth(samples);
    for (const { tensors, descriptors, mappedFiles } of samples.slice(3))
      expect({ tensors, descriptors, mappedFiles }).toEqual({
        tensors: last.tensors,
        descriptors: last.descriptors,
        mappedFiles: last.mappedFiles,
      });
  },
);

const at = (step: number, figures: Partial<Sample> = {}): Sample => ({
  step,
  tensors: 5,
  descriptors: 20,
  mappedFiles: 1,
  heap: 1e7,
  resident: 1e8,
  ...figures,
});
const steps = Array.from({ length: 50 }, (_, i) => 100 * (i + 1));

test.each([
  ["a tensor", (step: number) => ({ tensors: 5 + Math.floor(step / 4000) }), /^tensors: 5/],
  ["a descriptor", (step: number) => ({ descriptors: 20 + step / 100 }), /^descriptors/],
  ["a map", (step: number) => ({ mappedFiles: step === 3000 ? 2 : 1 }), /^mappedFiles/],
  ["heap", (step: number) => ({ heap: 1e7 + 150 * step }), /^heap grows by 150\.0 bytes/],
  ["memory", (step: number) => ({ resident: 1e8 + 500 * step }), /^resident grows by 500\.0 bytes/],
])("a leak of %s is found", (_, figures, message) => {
  expect(growth(steps.map((step) => at(step))).faults).toEqual([]);
  expect(growth(steps.map((step) => at(step, figures(step)))).faults).toEqual([
    expect.stringMatching(message),
  ]);
});
