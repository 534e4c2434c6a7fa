import { afterAll, expect, test, vi } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyRecipe } from "../testing/tiny-trained-run.ts";
import { measureBfloat16 } from "../torch/bfloat16-speed.ts";
import { processor } from "../torch/processor.ts";
import { runScalora, scaloraJson } from "./testing/scalora.ts";

vi.mock("../torch/bfloat16-speed.ts", { spy: true });
vi.mock("../torch/processor.ts", { spy: true });

const scratch = temporaryFolder();
const recipe = writeTinyRecipe(scratch.path, { dtype: "bfloat16" });
afterAll(scratch.remove);

const onProcessor = (hasBfloat16: boolean | undefined) =>
  vi.mocked(processor).mockReturnValue({ name: "Old CPU", hasBfloat16 });
const asFast = (median: number | undefined) =>
  vi
    .mocked(measureBfloat16)
    .mockReturnValue(median === undefined ? undefined : { low: median - 0.1, median, high: median + 0.1 });
const slow = /model\.dtype bfloat16 is slow on this processor \(Old CPU\).*: use model\.dtype: float32/g;

test("check and train say once that bfloat16 is slow on a processor without instructions for it", async () => {
  onProcessor(false);
  const { ok, warnings } = await scaloraJson("check", recipe);
  expect({ ok, warnings }).toEqual({ ok: true, warnings: [expect.stringMatching(slow)] });
  const { code, stderr } = await runScalora("train", recipe);
  expect(code).toBe(0);
  expect(stderr.replaceAll(/\s+/g, " ").match(slow)).toHaveLength(1);
});

test("check says how slow the instructions of a processor are", async () => {
  onProcessor(true);
  asFast(0.5);
  const { warnings } = await scaloraJson("check", recipe, "--set", "run.name=measured");
  expect(warnings).toEqual([expect.stringMatching(slow)]);
  expect(warnings).toEqual([expect.stringContaining("take 2.0 times as long as float32's (measured")]);
});

test("float32, and processors that are fast or do not say, get no warning", async () => {
  onProcessor(false);
  expect(
    (await scaloraJson("check", recipe, "--set", "model.dtype=float32", "--set", "run.name=a")).warnings,
  ).toEqual([]);
  for (const [has, median] of [
    [true, 1.9],
    [undefined, undefined],
  ] as const) {
    onProcessor(has);
    asFast(median);
    expect((await scaloraJson("check", recipe, "--set", "run.name=b")).warnings).toEqual([]);
  }
});
