import { afterAll, expect, test, vi } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyRecipe } from "../testing/tiny-trained-run.ts";
import { processor } from "../torch/processor.ts";
import { runScalora, scaloraJson } from "./testing/scalora.ts";

vi.mock("../torch/processor.ts", { spy: true });

const scratch = temporaryFolder();
const recipe = writeTinyRecipe(scratch.path, { dtype: "bfloat16" });
afterAll(scratch.remove);

const onProcessor = (hasBfloat16: boolean | undefined) =>
  vi.mocked(processor).mockReturnValue({ name: "Old CPU", hasBfloat16 });
const slow = /model\.dtype bfloat16 is slow on this processor \(Old CPU\).*: use model\.dtype: float32/g;

test("check and train say once that bfloat16 is slow on a processor without instructions for it", async () => {
  onProcessor(false);
  const { ok, warnings } = await scaloraJson("check", recipe);
  expect({ ok, warnings }).toEqual({ ok: true, warnings: [expect.stringMatching(slow)] });
  const { code, stderr } = await runScalora("train", recipe);
  expect(code).toBe(0);
  expect(stderr.replaceAll(/\s+/g, " ").match(slow)).toHaveLength(1);
});

test("float32, and processors that have them or do not say, get no warning", async () => {
  onProcessor(false);
  expect(
    (await scaloraJson("check", recipe, "--set", "model.dtype=float32", "--set", "run.name=a")).warnings,
  ).toEqual([]);
  for (const has of [true, undefined]) {
    onProcessor(has);
    expect((await scaloraJson("check", recipe, "--set", "run.name=b")).warnings).toEqual([]);
  }
});
